/**
 * Admission: a claim goes ahead only with a slot from the fleet item, whose brake must be closed, and while the ramp
 * lasts only when it is its turn. An item that cannot be read throws: then nobody is admitted (S14).
 */
import {
  admit,
  isDeathToNote,
  isFleetPaused,
  isSlotLive,
  type Admission,
  type AdmissionRequest,
} from '../../core/brake.ts';
import { RESTART_DEADLINE_MS, RESUME_AFTER_MS } from '../../core/claim.ts';
import type { RestartAction, RestartView } from '../../core/restart.ts';
import type { Claim } from '../../core/workspace.ts';
import type { Settled } from '../ports/queues.ts';
import { replaceFleet } from './brake-news.ts';
import { noteOf } from './death-note.ts';
import type { RestartPorts } from './finish.ts';
import { wasFrozen, type RestartRun } from './frozen.ts';
import { giveBackSlot } from './release.ts';

const FIRST_WAIT_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 60;
/** On the ramp the next stage may begin at any moment. */
const LONGEST_RAMP_WAIT_SECONDS = 10;

type Asked = Admission['kind'] | 'lost';
type Refusal = Extract<Admission, { kind: 'refused' }>['why'];

export async function admitClaim(ports: RestartPorts, view: RestartRun, receives: number): Promise<Settled> {
  const { workspace, claim, now } = view;
  const { asked, why } = await ask(ports, view);
  if (asked === 'lost') return { kind: 'again', afterSeconds: 1 };
  if (asked === 'refused') {
    ports.log.info('restart not admitted', { workspaceId: workspace.workspaceId, why });
    return { kind: 'again', afterSeconds: waitSeconds(receives, why) * (1 + ports.ids.jitter() / 5) };
  }
  await ports.workspaces.advanceClaim(
    workspace.workspaceId,
    claim,
    { ...claim, step: 'admitted', deadlineMs: now.latestMs + RESTART_DEADLINE_MS },
    { dueAtMs: now.latestMs + RESUME_AFTER_MS },
  );
  return { kind: 'again', afterSeconds: 0 };
}

/**
 * Back to waiting for admission, with nothing held. When all its time went by without its turn it gets as much again:
 * a new look says that it is still as it was condemned, and its death stays the one that it was (core/restart.ts).
 */
export async function stepBack(
  ports: RestartPorts,
  { workspace, claim, now }: RestartView,
  { because, forMs }: Extract<RestartAction, { do: 'step-back' }>,
): Promise<Settled> {
  const { workspaceId } = workspace;
  const isOver = because === 'not-its-turn';
  const deadlineMs = isOver ? now.latestMs + RESTART_DEADLINE_MS : claim.deadlineMs;
  const back: Claim = { ...claim, step: 'awaiting-admission', deadlineMs };
  const dueAtMs = now.latestMs + RESUME_AFTER_MS;
  if ((await ports.workspaces.advanceClaim(workspaceId, claim, back, { dueAtMs })) === 'advanced') {
    ports.log.warn('restart held back', { workspaceId, because, sinceMs: claim.sinceMs });
    if (isOver) ports.log.count('RestartHeldBack');
    await giveBackSlot(ports, workspaceId, claim.token);
  }
  return { kind: 'again', afterSeconds: forMs / 1000 };
}

/**
 * Whether an admitted claim may act now. The brake is read again before each act (S13): it may have opened since, or
 * have been closed again, and then a slot from before takes its turn on the ramp like all others. So does one whose
 * slot has lapsed, or was given back while it waited for capacity.
 */
export async function mayAct(ports: RestartPorts, view: RestartRun): Promise<boolean> {
  if (view.claim.forced) return true;
  const fleet = await ports.brake.read();
  if (fleet.brake === 'open' || isFleetPaused(fleet, view.now)) return false;
  const { token } = view.claim;
  const isItsTurn = fleet.ramp === undefined || fleet.ramp.running.includes(token);
  if (isItsTurn && isSlotLive(fleet, token, view.now)) return true;
  const { asked } = await ask(ports, view);
  return asked === 'admitted' || asked === 'already-admitted';
}

async function ask(ports: RestartPorts, view: RestartRun): Promise<{ asked: Asked; why?: Refusal }> {
  const { workspace, claim, now, policy } = view;
  const fleet = await ports.brake.read();
  const request: AdmissionRequest = {
    token: claim.token,
    workspaceId: workspace.workspaceId,
    isDeath: claim.kind !== 'operator',
    forced: claim.forced,
    diedAtMs: claim.sinceMs,
  };
  const isNews = isDeathToNote(fleet, request, now, policy);
  const admission = admit(fleet, isNews ? { ...request, note: await noteOf(ports, view) } : request, now, {
    workspaceCount: await ports.brake.workspaceCount(),
    policy,
    ec2: await ports.ec2Health.recent(now),
  });
  const next = admission.kind === 'already-admitted' ? undefined : admission.fleet;
  if (next && (wasFrozen(ports, view) || (await replaceFleet(ports, fleet, next)) === 'lost'))
    return { asked: 'lost' };
  return admission.kind === 'refused' ? { asked: 'refused', why: admission.why } : { asked: admission.kind };
}

function waitSeconds(receives: number, why: Refusal | undefined): number {
  const longest = why === 'ramping' ? LONGEST_RAMP_WAIT_SECONDS : LONGEST_WAIT_SECONDS;
  return Math.min(FIRST_WAIT_SECONDS * 2 ** Math.min(receives - 1, 10), longest);
}
