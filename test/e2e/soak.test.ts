/** The soak in its short form, on a stack that other end-to-end tests use, too. The full form: `npm run soak`. */
import { expect, it } from 'vitest';
import { soak } from '../../soak/run.ts';
import { summaryText } from '../../soak/summary.ts';
import { noFaults } from './fleet.ts';
import { ownStack } from './stacks.ts';

const seed = 20_39;

it(
  'requests to workspaces that die, restart, dawdle and fail, with deliver crashing - none is lost, none changes its end',
  { timeout: 360_000 },
  async () => {
    const { info, emulatorPid } = ownStack();
    await noFaults();
    const undo: (() => Promise<void> | void)[] = [];
    try {
      const { summary, violations } = await soak({
        info,
        emulatorPid,
        requests: 60,
        workspaces: 4,
        minutes: 0.4,
        seed,
        beatSeconds: 2,
        deliverTimeoutSeconds: 5,
        crashes: { share: 0.15, most: 2, afterTheAnswerMs: 100, strikeEveryMs: 12_000 },
        troubleEverySeconds: 20,
        patienceMinutes: 5,
        tell: (line) => process.stderr.write(`soak: ${line}\n`),
        signal: new AbortController().signal,
        undo: (what) => void undo.push(what),
      });
      process.stderr.write(`${summaryText(summary, violations)}\n`);
      expect(violations, `seed ${seed}`).toEqual([]);
      expect(summary.sent).toBe(60);
      // A run in which nothing went wrong would prove nothing.
      expect(summary.ended['delivered']).toBeGreaterThan(0);
      expect(Object.keys(summary.troubles)).toContain('instance stops');
      if (process.platform === 'linux') expect(summary.crashes).toBeGreaterThan(0);
    } finally {
      for (const undoOne of undo.reverse()) await undoOne();
    }
  },
);
