/**
 * How fast the judge is: `npm run bench`. The gate is a ratio within one run, since machines differ and are shared:
 * the judge may take at most eight times as long as a function that only makes an object of the same shape.
 */
import { Bench } from 'tinybench';
import type { Facts, JudgedWorkspace, Probe } from '../core/facts.ts';
import { judge } from '../core/judge.ts';
import { defaultSettings, policyOf, type Policy } from '../core/policy.ts';
import type { Judgement } from '../core/verdict.ts';

const MOST_TIMES_BARE = 8;
/** A tenth of a millisecond: so short that the other programs leave many a round alone. */
const VERDICTS_PER_ROUND = 1000;

const nowMs = Date.parse('2026-11-24T12:00:00Z');
const launchTimeMs = nowMs - 7_200_000;
const policy = policyOf(defaultSettings);
const workspace: JudgedWorkspace = {
  workspaceId: 'ws-1',
  instanceId: 'i-0123456789abcdef0',
  generation: 3,
  desired: 'running',
  settleUntilMs: nowMs - 3_600_000,
  settleBecause: 'registration',
  freshUntilMs: nowMs - 100_000,
  heartbeat: { atMs: nowMs - 115_000, seq: 41, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 },
  evidence: {
    kind: 'stopped',
    verdictId: '01KAVERDCTAAAAAAAAAAAAAAAA',
    atMs: nowMs - 2000,
    generation: 3,
    instanceId: 'i-0123456789abcdef0',
    bootId: 'boot-a',
    seq: 41,
    launchTimeMs,
    round: 0,
  },
};
const seen = (state: 'running' | 'stopped'): Probe => ({
  kind: 'seen',
  state,
  instanceId: workspace.instanceId,
  launchTimeMs,
});
const factsWith = (changes: Partial<JudgedWorkspace>, probe: Probe): Facts => ({
  now: { earliestMs: nowMs, latestMs: nowMs },
  clock: 'agrees',
  asker: 'reprobe',
  workspace: { ...workspace, ...changes },
  probe,
});

/** One of each: settling, alive, heartbeat fresh, dead. */
const cases: readonly Facts[] = [
  factsWith({ settleUntilMs: nowMs + 10_000 }, { kind: 'not-made' }),
  factsWith({}, seen('running')),
  factsWith({ freshUntilMs: nowMs + 10_000 }, seen('stopped')),
  factsWith({}, seen('stopped')),
];

function bare(facts: Facts): Judgement {
  const afterMs = facts.now.latestMs;
  return {
    call: 'busy',
    rule: '4-settling',
    reason: 'settling',
    flip: [{ kind: 'settle-window-ends', afterMs }],
  };
}

/** What comes out is counted, so that the engine cannot leave the work out. */
let flips = 0;
function round(judging: (facts: Facts, policy: Policy) => Judgement): void {
  for (let i = 0; i < VERDICTS_PER_ROUND; i++) {
    const facts = cases[i % cases.length];
    if (facts) flips += judging(facts, policy).flip.length;
  }
}

const RUNS = 7;
/** The best rounds of each: whatever else the machine does can only make a round longer. */
async function bestRounds(): Promise<{ bareNs: number; judgeNs: number }> {
  const best = { bareNs: Infinity, judgeNs: Infinity };
  // Again and again by turns, so that a busy second spoils a run and not the outcome.
  for (let run = 0; run < RUNS; run++) {
    const bench = new Bench({ time: 300, warmupTime: 100 });
    bench.add('bare', () => {
      round(bare);
    });
    bench.add('judge', () => {
      round(judge);
    });
    await bench.run();
    const fastestNs = (name: string): number => {
      const result = bench.getTask(name)?.result;
      if (!result || !('latency' in result)) throw new Error(`${name} was not measured`);
      return (result.latency.min * 1e6) / VERDICTS_PER_ROUND;
    };
    best.bareNs = Math.min(best.bareNs, fastestNs('bare'));
    best.judgeNs = Math.min(best.judgeNs, fastestNs('judge'));
  }
  return best;
}

const { bareNs, judgeNs } = await bestRounds();
const times = judgeNs / bareNs;
console.log(`bare   ${bareNs.toFixed(1)} ns`);
console.log(`judge  ${judgeNs.toFixed(1)} ns, ${(1e3 / judgeNs).toFixed(1)} million verdicts a second`);
console.log(`ratio  ${times.toFixed(1)} (at most ${MOST_TIMES_BARE}); ${flips} flips counted`);
// NaN is a failure too.
if (!(times <= MOST_TIMES_BARE)) process.exitCode = 1;
