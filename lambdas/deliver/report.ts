/** Deliver's own forward error: the re-probe function makes both sightings, as for a probe that was throttled. */
import type { ErrorKind } from '../../core/forward-error.ts';
import { MESSAGE_VERSION } from '../../core/messages.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { DeliverPorts } from './end.ts';

export async function reportFailure(
  ports: DeliverPorts,
  workspace: Workspace,
  errorKind: ErrorKind,
): Promise<void> {
  await ports.queues.sendReprobe(
    {
      v: MESSAGE_VERSION,
      kind: 'reprobe',
      workspaceId: workspace.workspaceId,
      instanceId: workspace.instanceId,
      generation: workspace.generation,
      epoch: 0,
      verdictId: ports.ids.next(ports.clock.nowMs()),
      errorKind,
    },
    0,
  );
}
