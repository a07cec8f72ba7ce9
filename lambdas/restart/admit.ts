/** Admission: a claim goes ahead only with a slot from the fleet item, whose brake must be closed. */
import { admit } from '../../core/brake.ts';
import { RESTART_DEADLINE_MS, RESUME_AFTER_MS } from '../../core/claim.ts';
import type { RestartView } from '../../core/restart.ts';
import type { Settled } from '../ports.ts';
import type { RestartPorts } from './finish.ts';

const FIRST_WAIT_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 60;

export async function admitClaim(ports: RestartPorts, view: RestartView, receives: number): Promise<Settled> {
  const { workspace, claim, now, policy } = view;
  const fleet = await ports.brake.read();
  const admission = admit(
    fleet,
    {
      token: claim.token,
      workspaceId: workspace.workspaceId,
      isDeath: claim.kind !== 'operator',
      forced: claim.forced,
      diedAtMs: claim.sinceMs,
    },
    now,
    { workspaceCount: await ports.brake.workspaceCount(), policy },
  );
  if (admission.kind === 'refused') {
    if (admission.fleet) {
      const replaced = await ports.brake.replace(fleet, admission.fleet);
      if (replaced === 'lost') return { kind: 'again', afterSeconds: 1 };
      if (admission.fleet.brake === 'open') {
        ports.log.warn('brake opened', { because: admission.fleet.brakeBecause });
        ports.log.count('BrakeOpened');
        await ports.events.publish('brake.opened', { because: admission.fleet.brakeBecause });
      }
    }
    ports.log.info('restart not admitted', { workspaceId: workspace.workspaceId, why: admission.why });
    return { kind: 'again', afterSeconds: waitSeconds(receives) };
  }
  if (admission.kind === 'admitted' && (await ports.brake.replace(fleet, admission.fleet)) === 'lost') {
    return { kind: 'again', afterSeconds: 1 };
  }
  await ports.workspaces.advanceClaim(
    workspace.workspaceId,
    claim,
    { ...claim, step: 'admitted', deadlineMs: now.latestMs + RESTART_DEADLINE_MS },
    { dueAtMs: now.latestMs + RESUME_AFTER_MS },
  );
  return { kind: 'again', afterSeconds: 0 };
}

function waitSeconds(receives: number): number {
  return Math.min(FIRST_WAIT_SECONDS * 2 ** Math.min(receives - 1, 10), LONGEST_WAIT_SECONDS);
}
