/**
 * The proxy's part in each EC2 action. The emulator has already said yes (its own state is of no interest: it
 * knows only who may do what, and which instances there are); here its answer becomes what AWS would have said.
 */
import { dressed, moveElement, stateElement } from './dress.ts';
import type { Ec2Action } from './fault-order.ts';
import type { FaultBook } from './fault-book.ts';
import type { Ec2Request } from './ec2-request.ts';
import type { InstanceLife, Lifecycle, Outcome } from './lifecycle.ts';
import { unknownInstance, type Refusal } from './refusals.ts';
import { isStateName, type StateName } from './states.ts';
import { child, items, text, type XmlElement } from './xml.ts';

export interface World {
  readonly lifecycle: Lifecycle;
  readonly faults: FaultBook;
  readonly nowMs: () => number;
}

export type Played = { readonly document: XmlElement } | { readonly refusal: Refusal };
type Part = (document: XmlElement, request: Ec2Request, world: World) => Played;

export const parts: Record<Ec2Action, Part> = {
  RunInstances(document, _request, world) {
    const launched = items(child(document, 'RunInstancesResponse'), 'instancesSet').map((instance) => {
      world.lifecycle.launch(idOf(instance), world.nowMs());
      return dressed(instance, lifeOf(instance, world));
    });
    return changed(document, 'RunInstancesResponse', 'instancesSet', launched);
  },

  DescribeInstances(document, request, world) {
    const reservations = items(child(document, 'DescribeInstancesResponse'), 'reservationSet').flatMap(
      (reservation): XmlElement[] => {
        const seen = items(reservation, 'instancesSet').flatMap((instance) =>
          shownTo(request, instance, world),
        );
        return seen.length === 0 ? [] : [{ ...reservation, instancesSet: { item: seen } }];
      },
    );
    return changed(document, 'DescribeInstancesResponse', 'reservationSet', reservations);
  },

  DescribeInstanceStatus(document, request, world) {
    const list = items(child(document, 'DescribeInstanceStatusResponse'), 'instanceStatusSet');
    const missing = request.instanceIds.find((id) => !list.some((item) => idOf(item) === id));
    // A stopped instance may be missing because it was not asked for; one that nobody has seen is unknown.
    if (missing !== undefined && !world.lifecycle.lifeOf(missing))
      return { refusal: unknownInstance(missing) };
    const shown = list.flatMap((item): XmlElement[] => {
      const { state } = lifeOf(item, world);
      if (!request.includeAllInstances && state !== 'running') return [];
      return wants(request, 'instance-id', idOf(item)) && wants(request, 'instance-state-name', state)
        ? [{ ...item, instanceState: stateElement(state) }]
        : [];
    });
    return changed(document, 'DescribeInstanceStatusResponse', 'instanceStatusSet', shown);
  },

  StartInstances: (document, request, world) =>
    moved(document, 'StartInstancesResponse', request, world, (ids) =>
      world.lifecycle.start(ids, world.nowMs(), (id) => world.faults.lacksCapacity(id)),
    ),

  StopInstances: (document, request, world) =>
    moved(document, 'StopInstancesResponse', request, world, (ids) =>
      world.lifecycle.stop(ids, world.nowMs()),
    ),

  TerminateInstances: (document, request, world) =>
    moved(document, 'TerminateInstancesResponse', request, world, (ids) =>
      world.lifecycle.terminate(ids, world.nowMs()),
    ),
};

function shownTo(request: Ec2Request, instance: XmlElement, world: World): XmlElement[] {
  const id = idOf(instance);
  // The emulator ignores this filter and sends every instance.
  if (!wants(request, 'instance-id', id)) return [];
  const life = lifeOf(instance, world);
  const shown = world.faults.shownState(id) ?? life.state;
  return wants(request, 'instance-state-name', shown) ? [dressed(instance, life, shown)] : [];
}

function moved(
  document: XmlElement,
  root: string,
  request: Ec2Request,
  world: World,
  move: (instanceIds: readonly string[]) => Outcome,
): Played {
  for (const item of items(child(document, root), 'instancesSet')) {
    const before = text(child(item, 'previousState'), 'name') ?? '';
    if (!world.lifecycle.lifeOf(idOf(item))) {
      world.lifecycle.adopt(idOf(item), isStateName(before) ? before : 'running', world.nowMs());
    }
  }
  world.lifecycle.advance(world.nowMs());
  const outcome = move([...new Set(request.instanceIds)]);
  if ('refusal' in outcome) return outcome;
  return changed(document, root, 'instancesSet', outcome.moves.map(moveElement));
}

/** The instance's life, adopted from the emulator's own view at first sight. */
function lifeOf(instance: XmlElement, world: World): InstanceLife {
  const known = world.lifecycle.lifeOf(idOf(instance));
  if (known) return known;
  const state = text(child(instance, 'instanceState'), 'name') ?? '';
  const launchedAtMs = Date.parse(text(instance, 'launchTime') ?? '');
  const name: StateName = isStateName(state) ? state : 'running';
  return world.lifecycle.adopt(
    idOf(instance),
    name,
    Number.isNaN(launchedAtMs) ? world.nowMs() : launchedAtMs,
  );
}

function wants(request: Ec2Request, filter: string, value: string): boolean {
  return request.filters.get(filter)?.includes(value) ?? true;
}

function idOf(item: XmlElement): string {
  return text(item, 'instanceId') ?? '';
}

function changed(document: XmlElement, root: string, list: string, item: XmlElement[]): Played {
  const body = { ...child(document, root), [list]: item.length === 0 ? '' : { item } };
  return { document: { ...document, [root]: body } };
}
