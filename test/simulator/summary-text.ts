/** What a run says of itself, in words. */
import { workspaceYears, type Broken, type Tally } from './tally.ts';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** The last line. */
export function summaryText(tally: Tally, tookMs: number): string {
  const { seeds, steps, broken } = tally;
  return (
    `${whole.format(seeds)} seeds, ${whole.format(steps)} steps, ${fine.format(workspaceYears(tally))} workspace-years ` +
    `in ${whole.format(tookMs / 1000)} s (${whole.format(seeds / (tookMs / 1000))} seeds/s): ` +
    `${whole.format(broken.length)} ${broken.length === 1 ? 'violation' : 'violations'}, trace ${tally.hash}`
  );
}

export function progressText(tally: Tally, of: number, tookMs: number): string {
  const rate = tally.seeds / (tookMs / 1000);
  const left = (of - tally.seeds) / rate;
  return (
    `${whole.format(tally.seeds)} of ${whole.format(of)} seeds, ${whole.format(rate)} seeds/s, ` +
    `${whole.format(left)} s left, ${whole.format(tally.broken.length)} violations`
  );
}

export function violationText({ seed, invariant, what, atMs }: Broken, replay: string): string {
  return `seed ${seed}: ${invariant} at ${clockText(atMs)}: ${what}\n  replay: ${replay}`;
}

export function clockText(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 23);
}
