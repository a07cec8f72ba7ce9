/**
 * EC2 as it is asked by the functions, with its answers counted for the brake. A sandbox keeps its count for some
 * seconds before it writes it: a write for each probe would cost more than the probe. What a frozen sandbox never
 * writes is lost, which is why nothing but the brake is decided by these numbers, and by their share alone.
 */
import { isFailedAct, isFailedProbe } from '../../core/ec2-answers.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ec2Power, Ec2Probe, PowerOutcome } from '../ports/ec2.ts';
import type { Ec2Health } from '../ports/fleet.ts';

/** Bad news is written soon, good news when there is some of it. */
const BAD_NEWS_EVERY_MS = 5000;
const GOOD_NEWS_EVERY_MS = 20_000;
/** What is older belongs to a time that nobody asks about. */
const STALE_MS = 120_000;

export interface Watch {
  note(isFailed: boolean): Promise<void>;
}

export function watch(health: Pick<Ec2Health, 'note'>, clock: Pick<Clock, 'nowMs'>): Watch {
  let counted = { answered: 0, failed: 0 };
  let sinceMs: number | undefined;
  let writtenMs = 0;
  return {
    async note(isFailed) {
      const nowMs = clock.nowMs();
      if (sinceMs === undefined || nowMs - sinceMs > STALE_MS) {
        counted = { answered: 0, failed: 0 };
        sinceMs = nowMs;
      }
      counted = isFailed
        ? { ...counted, failed: counted.failed + 1 }
        : { ...counted, answered: counted.answered + 1 };
      const isDue =
        counted.failed > 0 ? nowMs - writtenMs >= BAD_NEWS_EVERY_MS : nowMs - sinceMs >= GOOD_NEWS_EVERY_MS;
      if (!isDue) return;
      const written = counted;
      counted = { answered: 0, failed: 0 };
      sinceMs = undefined;
      writtenMs = nowMs;
      await health.note(written, nowMs);
    },
  };
}

export function watchedProbe(probe: Ec2Probe, watching: Watch): Ec2Probe {
  return {
    async look(instanceIds) {
      const looks = await probe.look(instanceIds);
      // One call for all of them: either it was answered or it was not.
      const isFailed = [...looks.values()].some(
        (look) => look.probe.kind === 'unknown' && isFailedProbe(look.probe.cause),
      );
      if (looks.size > 0) await watching.note(isFailed);
      return looks;
    },
  };
}

export function watchedPower(power: Ec2Power, watching: Watch): Ec2Power {
  const counted = async (call: Promise<PowerOutcome>): Promise<PowerOutcome> => {
    const outcome = await call;
    await watching.note(isFailedAct(outcome.kind, outcome.kind === 'done' ? '' : outcome.code));
    return outcome;
  };
  return {
    start: (instanceId) => counted(power.start(instanceId)),
    stop: (instanceId) => counted(power.stop(instanceId)),
  };
}
