/**
 * Admission: a claim goes ahead only with a slot from the fleet item, whose brake must be closed, and while the ramp
 * lasts only when it is its turn. An item that cannot be read throws: then nobody is admitted (S14).
 */
import {
  admit,
  isDeathToNote,
  isFleetPaused,
  type Admission,
  type AdmissionRequest,
} from '../../core/brake.ts';
import { RESTART_DEADLINE_MS, RESUME_AFTER_MS } from '../../core/claim.ts';
import type { RestartView } from '../../core/restart.ts';
import type { Settled } from '../ports.ts';
import { replaceFleet } from './brake-news.ts';
import { noteOf } from './death-note.ts';
import type { RestartPorts } from './finish.ts';

const FIRST_WAIT_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 60;
/** On the ramp the next stage may begin at any moment. */
const LONGEST_RAMP_WAIT_SECONDS = 10;

type Asked = Admission['kind'] | 'lost';
type Refusal = Extract<Admission, { kind: 'refused' }>['why'];

export async function admitClaim(ports: RestartPorts, view: RestartView, receives: number): Promise<Settled> {
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
 * Whether an admitted claim may act now. The brake is read again before each act (S13): it may have opened since, or
 * have been closed again, and then a slot from before takes its turn on the ramp like all others.
 */
export async function mayAct(ports: RestartPorts, view: RestartView): Promise<boolean> {
  if (view.claim.forced) return true;
  const fleet = await ports.brake.read();
  if (fleet.brake === 'open' || isFleetPaused(fleet, view.now)) return false;
  if (fleet.ramp === undefined || fleet.ramp.running.includes(view.claim.token)) return true;
  const { asked } = await ask(ports, view);
  return asked === 'admitted' || asked === 'already-admitted';
}

async function ask(ports: RestartPorts, view: RestartView): Promise<{ asked: Asked; why?: Refusal }> {
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
    ec2: await ports.ec2Health.recent(now.latestMs),
  });
  const next = admission.kind === 'already-admitted' ? undefined : admission.fleet;
  if (next && (await replaceFleet(ports, fleet, next)) === 'lost') return { asked: 'lost' };
  return admission.kind === 'refused' ? { asked: 'refused', why: admission.why } : { asked: admission.kind };
}

function waitSeconds(receives: number, why: Refusal | undefined): number {
  const longest = why === 'ramping' ? LONGEST_RAMP_WAIT_SECONDS : LONGEST_WAIT_SECONDS;
  return Math.min(FIRST_WAIT_SECONDS * 2 ** Math.min(receives - 1, 10), longest);
}
