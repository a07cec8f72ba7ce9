/**
 * The judge once more, written from the words of the architecture (section 3) before the code was read, and in
 * another shape. The judge is a list of guards, the first of which decides. This is a list of everything that must
 * hold before anybody may be called dead. All of it is looked at, always; `dead` is what remains when nothing is
 * missing, and otherwise the missing requirement of the lowest row speaks.
 */
import type { Facts, JudgedWorkspace, Probe } from '../../core/facts.ts';
import type { Policy } from '../../core/policy.ts';
import type { Call, Reason, Rule } from '../../core/verdict.ts';

export interface Opinion {
  readonly call: Call;
  readonly reason: Reason;
  readonly rule: Rule;
}

interface Requirement {
  readonly rule: Rule;
  /** What must be true, in words. */
  readonly needs: string;
  readonly holds: (known: Known) => boolean;
  readonly otherwise: (known: Known) => Pick<Opinion, 'call' | 'reason'>;
}

/** Facts about a workspace that can be read. */
interface Known {
  readonly facts: Facts;
  readonly workspace: JudgedWorkspace;
  readonly policy: Policy;
}

const busy = (reason: Reason) => () => ({ call: 'busy', reason }) as const;
const suspect = () => ({ call: 'suspect', reason: 'suspect' }) as const;

/** States that may count against a workspace, and what a death by them is called. */
const deathBy = new Map<string, Reason>([
  ['stopped', 'stopped'],
  ['terminated', 'terminated'],
]);
/** What is said of a state that is neither life nor death. */
const inBetween = new Map<string, Reason>([
  ['pending', 'booting'],
  ['stopping', 'stopping'],
  ['shutting-down', 'stopping'],
]);

/** Unsorted on purpose: the row decides, not the place in this list. */
const requirements: readonly Requirement[] = [
  {
    rule: '11-dead',
    needs: 'nothing more',
    holds: () => false,
    otherwise: ({ facts }) => ({ call: 'dead', reason: deathBy.get(stateSeen(facts.probe)) ?? 'silent' }),
  },
  {
    rule: '8-heartbeat-fresh',
    needs: 'no sign of life that still counts; doubt about the time keeps it counting',
    holds: ({ facts, workspace }) =>
      workspace.freshUntilMs === 0 || facts.now.earliestMs > workspace.freshUntilMs,
    otherwise: busy('heartbeat-fresh'),
  },
  {
    rule: '2-paused',
    needs: 'a person wants it up, and no pause may still hold',
    holds: ({ facts, workspace: { desired, pause } }) =>
      desired === 'running' && (!pause || (pause.untilMs ?? Infinity) <= facts.now.earliestMs),
    otherwise: busy('paused'),
  },
  {
    rule: '3-restarting',
    needs: 'no restart in flight, whoever holds the claim',
    holds: ({ workspace }) => !('claim' in workspace),
    otherwise: busy('restarting'),
  },
  {
    rule: '4-settling',
    needs: 'every start that anybody knows of lies a settle window back',
    holds: ({ facts, workspace, policy }) =>
      [workspace.settleUntilMs, ...launchesSeen(facts).map((ms) => ms + policy.settleWindowMs)].every(
        (endMs) => endMs <= facts.now.earliestMs,
      ),
    otherwise: busy('settling'),
  },
  {
    rule: '7-running',
    needs: 'not seen running, unless its agent is silent',
    holds: (known) => {
      const { facts, workspace } = known;
      const runs = isOwn(facts.probe, workspace) && stateSeen(facts.probe) === 'running';
      return !runs || heldAgainst(known) === 'silent';
    },
    otherwise: () => ({ call: 'alive', reason: 'running' }),
  },
  {
    rule: '6-probe-unknown',
    needs: 'a look at this very instance that says plainly what it is, and since when',
    holds: ({ facts, workspace }) =>
      isOwn(facts.probe, workspace) &&
      (stateSeen(facts.probe) === 'running' ||
        (deathBy.has(stateSeen(facts.probe)) && launchesSeen(facts).length === 1)),
    otherwise: ({ facts, workspace }) => ({ call: 'busy', reason: whyUnclear(facts.probe, workspace) }),
  },
  {
    rule: '5-probe-queued',
    needs: 'EC2 let the look through',
    holds: ({ facts: { probe } }) => !(probe.kind === 'unknown' && probe.cause === 'throttled'),
    otherwise: () => ({ call: 'probe-queued', reason: 'probe-queued' }),
  },
  {
    rule: '4b-look',
    needs: 'somebody looked',
    holds: ({ facts }) => facts.probe.kind !== 'not-made',
    otherwise: () => ({ call: 'probe', reason: 'suspect' }),
  },
  {
    rule: '4a-moved',
    needs: 'the failure was of the instance that the workspace has now',
    holds: ({ facts, workspace }) =>
      facts.reportedInstanceId === undefined || facts.reportedInstanceId === workspace.instanceId,
    otherwise: busy('moved'),
  },
  {
    rule: '1b-clock-unsure',
    needs: 'two clocks that agree',
    holds: ({ facts }) => facts.clock === 'agrees',
    otherwise: busy('clock-unsure'),
  },
  {
    rule: '1a-facts-malformed',
    needs: 'stored facts that can be true',
    holds: ({ facts, workspace, policy }) => isCredible(workspace, facts, policy),
    otherwise: busy('facts-malformed'),
  },
  {
    rule: '9-first-sighting',
    needs: 'an earlier sighting of the very same thing, not too old, with no sign of life since',
    holds: (known) => {
      const { facts, workspace, policy } = known;
      const { evidence, heartbeat } = workspace;
      if (!evidence) return false;
      const launches = launchesSeen(facts);
      const then = [evidence.kind, evidence.generation, evidence.instanceId, evidence.bootId, evidence.seq];
      const today = [
        heldAgainst(known),
        workspace.generation,
        workspace.instanceId,
        heartbeat?.bootId,
        heartbeat?.seq,
      ];
      return (
        then.every((value, index) => value === today[index]) &&
        launches.every((ms) => ms === evidence.launchTimeMs) &&
        facts.now.latestMs - evidence.atMs <= policy.evidenceLifeMs
      );
    },
    otherwise: suspect,
  },
  {
    rule: '10-not-yet',
    needs: 'the earlier sighting is surely two seconds back, and it is the re-probe that asks',
    holds: ({ facts, workspace: { evidence }, policy }) =>
      facts.asker === 'reprobe' &&
      evidence !== undefined &&
      facts.now.earliestMs - evidence.atMs >= policy.reprobeDelayMs,
    otherwise: suspect,
  },
];

/** The rows in the order of the table. */
const order: readonly Rule[] = [
  '1-unknown-workspace',
  '1a-facts-malformed',
  '1b-clock-unsure',
  '2-paused',
  '3-restarting',
  '4-settling',
  '4a-moved',
  '4b-look',
  '5-probe-queued',
  '6-probe-unknown',
  '7-running',
  '8-heartbeat-fresh',
  '9-first-sighting',
  '10-not-yet',
  '11-dead',
];

const inOrder = [...requirements].sort((one, other) => order.indexOf(one.rule) - order.indexOf(other.rule));

/** What is missing for `dead`, in the order of the table, in words. The last entry is always "nothing more". */
export function missingForDead(facts: Facts, policy: Policy): readonly Requirement[] {
  const { workspace } = facts;
  if (typeof workspace !== 'object') return [];
  return inOrder.filter(({ holds }) => !holds({ facts, workspace, policy }));
}

/** What the table says of these facts. */
export function opinion(facts: Facts, policy: Policy): Opinion {
  const { workspace } = facts;
  if (workspace === 'unknown') {
    return { call: 'unknown-workspace', reason: 'workspace-changed', rule: '1-unknown-workspace' };
  }
  if (workspace === 'malformed')
    return { call: 'busy', reason: 'facts-malformed', rule: '1a-facts-malformed' };
  const [missing] = missingForDead(facts, policy);
  if (!missing) throw new Error('the last requirement never holds');
  return { rule: missing.rule, ...missing.otherwise({ facts, workspace, policy }) };
}

/**
 * What may be held against a workspace: that its instance is down for good, or that it is up while nobody listens
 * there and an agent that promised to beat has been silent, in this very incarnation, for longer than agents are.
 */
function heldAgainst({ facts, workspace, policy }: Known): 'stopped' | 'silent' | undefined {
  const [launchedMs] = launchesSeen(facts);
  if (!isOwn(facts.probe, workspace) || launchedMs === undefined) return undefined;
  if (deathBy.has(stateSeen(facts.probe))) return 'stopped';
  const { heartbeat } = workspace;
  const promisedAndBroken = [
    stateSeen(facts.probe) === 'running',
    ['refused', 'reset', 'eof'].includes(facts.errorKind ?? 'none'),
    heartbeat?.declaresInterval === true,
    (heartbeat?.atMs ?? 0) >= launchedMs,
    facts.now.earliestMs > (heartbeat?.atMs ?? Infinity) + policy.silentAfterMs,
  ];
  return promisedAndBroken.every(Boolean) ? 'silent' : undefined;
}

function stateSeen(probe: Probe): string {
  return probe.kind === 'seen' ? probe.state : 'none';
}

/** Whether the probe saw the instance that the workspace has now. */
function isOwn(probe: Probe, workspace: JudgedWorkspace): boolean {
  return probe.kind === 'seen' && probe.instanceId === workspace.instanceId;
}

/** When a look says that the instance was started: one instant, or none when it is silent about it. */
function launchesSeen({ probe }: Facts): readonly number[] {
  return probe.kind === 'seen' && isTime(probe.launchTimeMs) ? [probe.launchTimeMs] : [];
}

function whyUnclear(probe: Probe, workspace: JudgedWorkspace): Reason {
  if (isOwn(probe, workspace)) return inBetween.get(stateSeen(probe)) ?? 'probe-inconclusive';
  return probe.kind === 'unknown' && probe.cause === 'shared' ? 'probe-shared' : 'probe-inconclusive';
}

/** S15: every stored fact is of its kind, and no time of something that happened lies beyond what skew allows. */
function isCredible(workspace: JudgedWorkspace, { now }: Facts, { skewMarginMs }: Policy): boolean {
  const { heartbeat, evidence, pause, generation, settleUntilMs, freshUntilMs } = workspace;
  const happened = [heartbeat?.atMs, evidence?.atMs].filter((ms) => ms !== undefined);
  const counts = [generation, heartbeat?.seq].filter((count) => count !== undefined);
  return (
    [now.earliestMs, now.latestMs, settleUntilMs, freshUntilMs, pause?.untilMs ?? 0].every(isTime) &&
    now.earliestMs <= now.latestMs &&
    happened.every((ms) => isTime(ms) && ms <= now.earliestMs + skewMarginMs) &&
    counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
    heartbeat?.bootId !== ''
  );
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 8.64e15;
}
