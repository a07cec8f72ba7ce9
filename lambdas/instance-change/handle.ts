/**
 * EC2 says that an instance is starting. Whoever started it, its agent is booting now, so the settle window begins
 * anew: somebody's restart by the console must not look like a death. The window only ever moves forward (S17), and
 * an open claim has anchors of its own. Events come late, twice, out of order, or not at all: none is ever evidence.
 */
import type { PolicySettings } from '../../core/policy.ts';
import { policyFor } from '../judging/policies.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { InstanceIndex, Registry } from '../ports/registry.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';
import { instanceChange } from '../schemas/instance-change.ts';

export interface InstanceChangePorts {
  readonly clock: Clock;
  readonly instances: InstanceIndex;
  readonly workspaces: Pick<WorkspaceStore, 'read'>;
  readonly registry: Pick<Registry, 'settle'>;
  readonly log: Log;
  readonly settings: PolicySettings;
}

/** A write that lost against another one is tried again this often. */
const MOST_TRIES = 3;

export async function handleInstanceChange(event: unknown, ports: InstanceChangePorts): Promise<void> {
  const parsed = instanceChange.safeParse(event);
  if (!parsed.success) {
    ports.log.warn('instance event not understood');
    ports.log.count('InstanceEventMalformed');
    return;
  }
  const { time, detail } = parsed.data;
  const atMs = Date.parse(time);
  for (const workspaceId of await ports.instances.workspacesOf(detail['instance-id'])) {
    await settle(ports, workspaceId, { instanceId: detail['instance-id'], state: detail.state, atMs });
  }
}

async function settle(
  ports: InstanceChangePorts,
  workspaceId: string,
  { instanceId, state, atMs }: { instanceId: string; state: string; atMs: number },
): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { value: workspace } = await ports.workspaces.read(workspaceId);
    // The index may name a workspace that has another instance by now.
    if (typeof workspace !== 'object' || workspace.instanceId !== instanceId || workspace.claim) return;
    const policy = policyFor(ports.settings, workspace);
    if (atMs > ports.clock.nowMs() + policy.skewMarginMs) {
      ports.log.warn('instance event of the future', { workspaceId, instanceId });
      ports.log.count('InstanceEventMalformed');
      return;
    }
    const untilMs = atMs + policy.settleWindowMs;
    if (untilMs <= workspace.settleUntilMs) return;
    const because = `instance-${state}`;
    if ((await ports.registry.settle(workspace, { fromMs: atMs, untilMs }, because)) === 'written') {
      ports.log.info('settles by an instance event', { workspaceId, instanceId, state });
      return;
    }
  }
  throw new Error(`the workspace changed ${MOST_TRIES} times while an instance event was handled`);
}
