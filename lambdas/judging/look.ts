/** The first look at a workspace that failed: judge, probe only if the judge asks for it, judge again. */
import { clockFact } from '../../core/clock.ts';
import { judgedPart, type Facts, type Probe } from '../../core/facts.ts';
import { judge } from '../../core/judge.ts';
import type { ErrorKind } from '../../core/forward-error.ts';
import type { Policy } from '../../core/policy.ts';
import type { Look } from '../../core/receipt.ts';
import type { TimeRange } from '../../core/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ec2Probe } from '../ports/ec2.ts';
import type { Read } from '../ports/read.ts';
import type { JudgingRead, ProbeNote, StoredWorkspace, WorkspaceStore } from '../ports/workspaces.ts';

/** One probe a second and workspace, whatever the error rate (S31). */
const PROBE_LEASE_MS = 1000;
/** A look that is older when it is judged comes out of a sandbox that stood still: what it saw is no news (S4). */
export const LOOK_LIFE_MS = 10_000;

export interface LookPorts {
  readonly clock: Clock;
  readonly workspaces: Pick<WorkspaceStore, 'takeProbeLease'>;
  readonly ec2: Ec2Probe;
}

export interface FirstLook {
  readonly look: Look;
  /** It was made by then, by the latest end of the time of the call and what has passed since (S4). */
  readonly lookedByMs: number;
  /** The probe that this call made itself, to be kept for others. */
  readonly note?: ProbeNote;
}

export async function firstLook(
  ports: LookPorts,
  read: Read<JudgingRead>,
  about: {
    /** When the call came. */
    now: TimeRange;
    /** This function's own time then. */
    beganMs: number;
    policy: Policy;
    reportedInstanceId: string | undefined;
    errorKind: ErrorKind;
  },
): Promise<FirstLook> {
  const { workspace } = read.value;
  // Compared at once: a slow probe says nothing about the clocks.
  const readAtMs = ports.clock.nowMs();
  const clock = clockFact(readAtMs, read.serverTimeMs, about.policy.skewMarginMs);
  const factsWith = (probe: Probe): Facts => ({
    now: about.now,
    clock,
    asker: 'caller',
    workspace: judgedWorkspace(workspace),
    ...(about.reportedInstanceId !== undefined && { reportedInstanceId: about.reportedInstanceId }),
    probe,
    errorKind: about.errorKind,
  });
  const lookWith = (probe: Probe): Look => {
    const facts = factsWith(probe);
    return { facts, judgement: judge(facts, about.policy), tookMs: ports.clock.nowMs() - readAtMs };
  };

  const knownBy = (ownMs: number): number => about.now.latestMs + Math.max(0, ownMs - about.beganMs);
  const readByMs = knownBy(readAtMs);

  const before = lookWith({ kind: 'not-made' });
  if (before.judgement.call !== 'probe' || typeof workspace !== 'object')
    return { look: before, lookedByMs: readByMs };
  const nowMs = about.now.latestMs;
  if (!(await ports.workspaces.takeProbeLease(workspace.workspaceId, nowMs, nowMs + PROBE_LEASE_MS))) {
    const shared = sharedProbe(read.value.lastProbe, workspace.generation, nowMs);
    return { look: lookWith(shared), lookedByMs: readByMs };
  }
  const askedAtMs = ports.clock.nowMs();
  const looks = await ports.ec2.look([workspace.instanceId]);
  const lookedAtMs = ports.clock.nowMs();
  const found: Probe = looks.get(workspace.instanceId)?.probe ?? { kind: 'unknown', cause: 'absent' };
  const probe: Probe = lookedAtMs - askedAtMs > LOOK_LIFE_MS ? { kind: 'unknown', cause: 'error' } : found;
  return {
    look: lookWith(probe),
    lookedByMs: knownBy(lookedAtMs),
    note: { atMs: nowMs, generation: workspace.generation, probe },
  };
}

/** What the judge gets to see of a stored workspace. */
export function judgedWorkspace(workspace: StoredWorkspace): Facts['workspace'] {
  if (workspace === 'absent') return 'unknown';
  return workspace === 'malformed' ? 'malformed' : judgedPart(workspace);
}

/** Who loses the lease uses the winner's probe, if that is there and young. */
function sharedProbe(note: ProbeNote | undefined, generation: number, nowMs: number): Probe {
  const isUsable =
    note?.generation === generation && nowMs - note.atMs <= PROBE_LEASE_MS && nowMs >= note.atMs;
  return isUsable ? note.probe : { kind: 'unknown', cause: 'shared' };
}
