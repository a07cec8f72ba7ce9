/** What the news of a terminated instance carries: all that a replacement needs, as far as EC2 still says it. */
import type { Workspace } from '../../core/workspace.ts';
import type { InstanceLook } from '../ports/ec2.ts';

export function detailOfGone(
  workspace: Pick<Workspace, 'workspaceId' | 'instanceId' | 'generation' | 'port' | 'protocol' | 'path'>,
  look: InstanceLook | undefined,
): Readonly<Record<string, string | number>> {
  const { workspaceId, instanceId, generation, port, protocol, path } = workspace;
  return { workspaceId, instanceId, generation, port, protocol, path, ...look?.make, reason: 'terminated' };
}
