/** Messages that no function of this version has sent: rubbish, and those of a newer version. */
import { workspaceIn } from './oracles/witness.ts';
import { ulidOf } from './sandbox.ts';
import type { World } from './world.ts';

export function rubbish(world: World): void {
  const body = world.random.pick(['{', 'null', '[]', '{"v":1}', '{"v":1,"kind":"restart","token":7}', '"x"']);
  world.sendRaw(world.random.pick(['reprobe', 'restart', 'parked']), body, 'rubbish');
}

/**
 * A message that a newer version has sent about a real workspace, and about what is under way there: this one must do
 * nothing by it (S32).
 */
export function newerMessage(world: World): void {
  const member = world.truth.members[0];
  if (!member) return;
  const { claim, evidence, generation } =
    workspaceIn(world.stored(`WS#${member.workspaceId}`, 'STATE')) ?? {};
  const common = {
    // Of a version that the next one does not know either.
    v: 3,
    workspaceId: member.workspaceId,
    instanceId: member.machine.instanceId,
    generation: generation ?? 1,
    epoch: claim?.epoch ?? 0,
  };
  const id = ulidOf(world.time.nowMs(), world.random);
  if (world.random.chance(0.5))
    world.sendRaw(
      'restart',
      JSON.stringify({ ...common, kind: 'restart', token: claim?.token ?? id }),
      'newer',
    );
  else
    world.sendRaw(
      'reprobe',
      JSON.stringify({
        ...common,
        kind: 'reprobe',
        verdictId: evidence?.verdictId ?? id,
        errorKind: 'refused',
      }),
      'newer',
    );
}
