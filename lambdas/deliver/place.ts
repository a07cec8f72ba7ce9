/** Where an agent is at this moment: its instance as EC2 shows it, at an address that may be spoken to. */
import { checkAddress } from '../../core/address.ts';
import { saysSomething } from '../../core/facts.ts';
import type { InstanceState, Workspace } from '../../core/workspace.ts';
import type { DeliverPorts } from './end.ts';

export type Place =
  | { readonly kind: 'at'; readonly address: string; readonly launchTimeMs?: number }
  | {
      readonly kind: 'not-running';
      readonly state: InstanceState | 'unknown';
      /** Whether EC2 said anything of the instance, and not only that it cannot say. */
      readonly isSaid: boolean;
    }
  | { readonly kind: 'address-refused'; readonly because: string };

export async function placeOf(ports: DeliverPorts, workspace: Workspace): Promise<Place> {
  const look = (await ports.ec2.look([workspace.instanceId])).get(workspace.instanceId);
  const probe = look?.probe ?? { kind: 'unknown', cause: 'absent' };
  if (probe.kind !== 'seen' || probe.instanceId !== workspace.instanceId)
    return { kind: 'not-running', state: 'unknown', isSaid: saysSomething(probe) };
  if (probe.state !== 'running') return { kind: 'not-running', state: probe.state, isSaid: true };
  const launched = probe.launchTimeMs === undefined ? {} : { launchTimeMs: probe.launchTimeMs };
  if ('localAddress' in ports.reach) return { kind: 'at', address: ports.reach.localAddress, ...launched };
  const checked = checkAddress(look?.privateIp, ports.reach.cidrs);
  if (checked !== 'allowed' || look?.privateIp === undefined)
    return { kind: 'address-refused', because: checked };
  return { kind: 'at', address: look.privateIp, ...launched };
}
