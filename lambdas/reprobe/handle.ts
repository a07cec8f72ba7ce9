/**
 * The second look. For all messages of a batch: one read of the workspaces, ONE DescribeInstances, then each is
 * judged by itself. Only here can a verdict become dead, and only by winning the claim.
 *
 *   alive, busy       the evidence is removed, the receipt is final, held requests are woken
 *   suspect           evidence was void or too young: write it anew or wait, by visibility, five rounds at most
 *   probe-queued      EC2 still throttles: wait, and be busy when the time of the evidence is over
 *   gone already      another verdict has found it terminated and told so: dead as well, and no news
 *   dead              receipt by intent -> claim -> restart message -> receipt final
 *
 * A redelivered message finds its own claim, by the token, and carries on where the first run stopped (V11).
 */
import { clockFact, latestMs } from '../../core/clock.ts';
import { assertNever } from '../../core/invariant.ts';
import type { Probe } from '../../core/facts.ts';
import { judge } from '../../core/judge.ts';
import type { ReprobeMessage } from '../../core/messages.ts';
import { isFinal, openReceipt, verdictOf, withLook, type Look } from '../../core/receipt.ts';
import { rangeOfMessage } from '../../core/time.ts';
import { goneOf, type Workspace } from '../../core/workspace.ts';
import { isDeclared } from '../judging/declared.ts';
import { tellOfDoubt } from '../judging/doubt.ts';
import { judgedWorkspace, LOOK_LIFE_MS } from '../judging/look.ts';
import { policyFor, policyVersionOf } from '../judging/policies.ts';
import type { InstanceLook } from '../ports/ec2.ts';
import type { Received, Settled } from '../ports/queues.ts';
import type { Read } from '../ports/read.ts';
import type { StoredWorkspace } from '../ports/workspaces.ts';
import { eachMessage } from '../runtime/each-message.ts';
import { concludeAsGone } from './conclude.ts';
import { carryOn, declareDead } from './declare.ts';
import { finalise, type ReprobePorts } from './finalise.ts';
import { lookAgain } from './look-again.ts';
import type { Second } from './second.ts';
import { keepTrouble } from './trouble.ts';

/** A chain that is not decided by then says busy: something keeps it from being decided. */
const LONGEST_CHAIN_MS = 60_000;
/** With the chain's length this stays well below the queue's 20 receives. */
const THROTTLED_WAIT_SECONDS = 5;

/** The workspaces of a batch, and this function's own time when the database had answered. */
interface ReadOfAll extends Read<ReadonlyMap<string, StoredWorkspace>> {
  readonly askedAtMs: number;
  readonly readAtMs: number;
}

/** What EC2 said of the instances, and when it was asked. */
interface Looks {
  readonly askedAtMs: number;
  readonly found: ReadonlyMap<string, InstanceLook>;
}

export async function handleReprobes(
  messages: readonly Received<ReprobeMessage>[],
  ports: ReprobePorts,
): Promise<ReadonlyMap<string, Settled>> {
  const askedAtMs = ports.clock.nowMs();
  const read = await ports.workspaces.readMany(messages.map(({ body }) => body.workspaceId));
  const workspaces = { ...read, askedAtMs, readAtMs: ports.clock.nowMs() };
  const instanceIds = messages.flatMap(({ body }) => {
    const workspace = workspaces.value.get(body.workspaceId);
    return typeof workspace === 'object' && isCurrent(body, workspace) && !workspace.claim
      ? [workspace.instanceId]
      : [];
  });
  const looks: Looks = {
    askedAtMs: ports.clock.nowMs(),
    found:
      instanceIds.length > 0
        ? await ports.ec2.look([...new Set(instanceIds)])
        : new Map<string, InstanceLook>(),
  };
  return eachMessage(messages, ports.log, (message) => settle(ports, message, workspaces, looks));
}

async function settle(
  ports: ReprobePorts,
  received: Received<ReprobeMessage>,
  workspaces: ReadOfAll,
  looks: Looks,
): Promise<Settled> {
  const message = received.body;
  const workspace = workspaces.value.get(message.workspaceId) ?? 'absent';
  const known = await ports.receipts.read(message.workspaceId, message.verdictId);
  const isOpen = known === undefined || !isFinal(known);
  if (
    typeof workspace === 'object' &&
    isDeclared(workspace, message.verdictId) &&
    (workspace.claim ?? isOpen)
  ) {
    return carryOn(ports, message, workspace, known);
  }
  if (known && isFinal(known)) return { kind: 'done' };

  const policy = policyFor(ports.settings, workspace);
  const nowMs = ports.clock.nowMs();
  const now = rangeOfMessage(nowMs, { ...received, delayMs: 0, answeredAtMs: workspaces.serverTimeMs });
  const probe = probeOf(looks, message.instanceId, nowMs);
  const facts = {
    now,
    clock: clockFact(workspaces.readAtMs, workspaces.serverTimeMs, policy.skewMarginMs),
    asker: 'reprobe' as const,
    workspace: judgedWorkspace(workspace),
    reportedInstanceId: message.instanceId,
    probe,
    errorKind: message.errorKind,
  };
  const look: Look = { facts, judgement: judge(facts, policy), tookMs: nowMs - workspaces.readAtMs };
  tellOfDoubt(ports.log, message.workspaceId, look.judgement);
  if (typeof workspace === 'object' && isCurrent(message, workspace))
    await keepTrouble(ports, workspace, look, policy);
  const receipt = known
    ? withLook(known, look, verdictOf(look.judgement))
    : openReceipt(
        {
          ...aboutOf(message),
          policy,
          policyVersion: policyVersionOf(ports.ids, policy),
          askedBy: 'deliver',
        },
        look,
      );
  if (typeof workspace !== 'object' || !isCurrent(message, workspace)) {
    return finalise(ports, { ...receipt, verdict: 'busy', reason: 'workspace-changed' });
  }
  const lookedByMs = Math.max(latestMs(nowMs, workspaces), now.latestMs);
  return decide(ports, { message, workspace, policy, now, lookedByMs, look, receipt });
}

function probeOf({ askedAtMs, found }: Looks, instanceId: string, nowMs: number): Probe {
  const look = found.get(instanceId);
  if (!look) return { kind: 'not-made' };
  return nowMs - askedAtMs > LOOK_LIFE_MS ? { kind: 'unknown', cause: 'error' } : look.probe;
}

async function decide(ports: ReprobePorts, second: Second): Promise<Settled> {
  const { receipt, look, now, workspace } = second;
  const { call } = look.judgement;
  const isOld = now.latestMs - receipt.openedAtMs > LONGEST_CHAIN_MS;
  if ((call === 'suspect' || call === 'dead') && goneOf(workspace) && isTerminated(look.facts.probe))
    return concludeAsGone(ports, second);
  switch (call) {
    case 'alive':
      // Also what another verdict counts against it: one look that says running cancels all of it (S5).
      if (workspace.evidence) {
        await ports.workspaces.removeEvidence(workspace.workspaceId, workspace.evidence.verdictId);
      }
      return finalise(ports, receipt);
    case 'busy':
      return finalise(ports, receipt);
    case 'probe-queued':
      return isOld
        ? finalise(ports, { ...receipt, verdict: 'busy', reason: 'probe-inconclusive' })
        : { kind: 'again', afterSeconds: THROTTLED_WAIT_SECONDS + ports.ids.jitter() };
    case 'suspect':
      return isOld
        ? finalise(ports, { ...receipt, verdict: 'busy', reason: 'evidence-kept-changing' })
        : lookAgain(ports, second);
    case 'dead':
      return declareDead(ports, second);
    case 'probe':
    case 'unknown-workspace':
      return finalise(ports, { ...receipt, verdict: 'busy', reason: 'workspace-changed' });
    default:
      return assertNever(call);
  }
}

function isTerminated(probe: Probe): boolean {
  return probe.kind === 'seen' && probe.state === 'terminated';
}

function aboutOf({ verdictId, workspaceId, errorKind }: ReprobeMessage) {
  return { verdictId, workspaceId, errorKind };
}

/** A message speaks of one instance in one generation; of any other it says nothing (S6). */
function isCurrent(message: ReprobeMessage, workspace: Workspace): boolean {
  return message.instanceId === workspace.instanceId && message.generation === workspace.generation;
}
