/**
 * A fleet of which many have died at once, and nobody reports any of them a second time: only the restart function,
 * the sweep and the agents' own beats go on, in virtual time, over a table in memory.
 */
import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { RESTART_DEADLINE_MS } from '../../core/claim.ts';
import type { RestartMessage } from '../../core/messages.ts';
import { defaultSettings, type PolicySettings } from '../../core/policy.ts';
import type { Claim, Workspace } from '../../core/workspace.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { dueKey } from '../../lambdas/adapters/keys.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { apiCall, received } from './calls.ts';
import { LAUNCHED_MS } from './claimed.ts';
import { fleetItem, sizeItem } from './fleet-items.ts';
import { memoryTable } from './memory-table.ts';
import { aClaim, aStoredWorkspace, itemOf, mockedAws, NOW_MS, portsOver, TABLE } from './mocked-aws.ts';

const STEP_MS = 2000;

export interface Storm {
  readonly workspaces: number;
  readonly dead: number;
  readonly bootsForMs: number;
  readonly settings: Partial<PolicySettings>;
  readonly forMs: number;
  /** Whether EC2 has capacity for the instance of this number then. */
  readonly hasCapacity?: (index: number, atMs: number) => boolean;
  /** The fleet is paused from the begin until then. */
  readonly pausedUntilMs?: number;
}

interface Machine {
  readonly index: number;
  state: 'stopped' | 'pending' | 'running';
  launchTimeMs: number;
  bootedAtMs: number;
  starts: number;
}

const instanceOf = (index: number) => `i-0000000000000000${String(index)}`;
const workspaceOf = (index: number) => `ws-${String(index)}`;
const tokenOf = (index: number) => `01KACLAIMAAAAAAAAAAAAAAA${String(index).padStart(2, '0')}`;

export async function ride(storm: Storm) {
  const aws = mockedAws();
  let nowMs = NOW_MS;
  const table = memoryTable(aws, () => nowMs);
  const ports = {
    ...portsOver(aws),
    settings: { ...defaultSettings, ...storm.settings },
    due: dueWork(openTable(TABLE)),
    clock: { nowMs: () => nowMs, sleep: () => Promise.resolve(), every: () => ({ stop: () => {} }) },
  };
  const machines = Array.from({ length: storm.workspaces }, (_, index): Machine => ({
    index,
    state: index < storm.dead ? 'stopped' : 'running',
    launchTimeMs: LAUNCHED_MS,
    bootedAtMs: 0,
    starts: 0,
  }));
  const byId = new Map(machines.map((machine) => [instanceOf(machine.index), machine]));
  const queue: { body: RestartMessage; visibleAtMs: number; receives: number }[] = [];
  const news: { atMs: number; type: string }[] = [];
  const underWay = () => machines.filter((it) => it.starts > 0 && !isBack(it)).length;
  let mostUnderWay = 0;

  table.put(sizeItem(storm.workspaces));
  if (storm.pausedUntilMs !== undefined)
    table.put(fleetItem({ pause: { by: 'role/operator', reason: 'storm', untilMs: storm.pausedUntilMs } }));
  for (const { index, state } of machines) {
    const claim: Claim = {
      ...aClaim(),
      token: tokenOf(index),
      step: 'awaiting-admission',
      sinceMs: NOW_MS,
      deadlineMs: NOW_MS + RESTART_DEADLINE_MS,
      instanceId: instanceOf(index),
      launchTimeMs: LAUNCHED_MS,
      bootId: 'boot-a',
      settleUntilMs: NOW_MS + 60_000,
    };
    const isDead = state === 'stopped';
    table.put({
      ...itemOf(
        aStoredWorkspace({
          workspaceId: workspaceOf(index),
          instanceId: instanceOf(index),
          generation: 4,
          ...(isDead && { claim, retiredBootId: 'boot-a', settleUntilMs: NOW_MS + 60_000 }),
        }),
      ),
      ...(isDead && { dueKey: dueKey.workspaces, dueAt: NOW_MS + 120_000 }),
    });
    if (isDead)
      queue.push({
        body: {
          v: 1,
          kind: 'restart',
          workspaceId: workspaceOf(index),
          instanceId: instanceOf(index),
          generation: 4,
          epoch: 0,
          token: claim.token,
        },
        visibleAtMs: NOW_MS,
        receives: 0,
      });
  }
  const workspace = (index: number) =>
    // A stored workspace has the fields of one by the same names.
    table.item(`WS#${workspaceOf(index)}`, 'STATE') as unknown as Workspace;
  const isBack = ({ index }: Machine) => workspace(index).heartbeat?.bootId === 'boot-b';

  aws.ec2.on(DescribeInstancesCommand).callsFake((input: { Filters: { Values: string[] }[] }) => ({
    Reservations: (input.Filters[0]?.Values ?? []).flatMap((id) => {
      const machine = byId.get(id);
      if (!machine) return [];
      const { state, launchTimeMs } = machine;
      return [
        { Instances: [{ InstanceId: id, State: { Name: state }, LaunchTime: new Date(launchTimeMs) }] },
      ];
    }),
  }));
  aws.ec2.on(StartInstancesCommand).callsFake((input: { InstanceIds: string[] }) => {
    const machine = byId.get(input.InstanceIds[0] ?? '');
    if (!machine) throw new Error('no such instance');
    if (storm.hasCapacity?.(machine.index, nowMs) === false)
      throw Object.assign(new Error(), { name: 'InsufficientInstanceCapacity' });
    const previous = machine.state;
    machine.starts += 1;
    if (previous === 'stopped')
      Object.assign(machine, { state: 'pending', launchTimeMs: nowMs, bootedAtMs: nowMs + storm.bootsForMs });
    return {
      StartingInstances: [{ InstanceId: instanceOf(machine.index), PreviousState: { Name: previous } }],
    };
  });
  aws.ec2.on(StopInstancesCommand).callsFake(() => {
    throw new Error('nobody is stopped in this story');
  });
  aws.sqs.on(SendMessageCommand).callsFake((input: { MessageBody: string }) => {
    queue.push({ body: JSON.parse(input.MessageBody) as RestartMessage, visibleAtMs: nowMs, receives: 0 });
    return { MessageId: 'm' };
  });
  aws.bus.on(PutEventsCommand).callsFake((input: { Entries: { DetailType: string }[] }) => {
    news.push(...input.Entries.map((entry) => ({ atMs: nowMs - NOW_MS, type: entry.DetailType })));
    return { FailedEntryCount: 0 };
  });

  const work = async (message: (typeof queue)[number]): Promise<void> => {
    message.receives += 1;
    const { body, receives } = message;
    const as = received(body, { receives, sentAtMs: nowMs, firstReceivedAtMs: nowMs });
    const settled = (await handleRestarts([as], ports)).get(as.id);
    if (settled?.kind === 'done') queue.splice(queue.indexOf(message), 1);
    else message.visibleAtMs = nowMs + (settled?.kind === 'again' ? settled.afterSeconds * 1000 : 60_000);
  };
  const beat = (machine: Machine) =>
    handleHeartbeat(
      apiCall(
        'POST /workspaces/{workspaceId}/heartbeats',
        { bootId: 'boot-b', seq: 1 },
        {
          params: { workspaceId: workspaceOf(machine.index) },
          caller: { principal: 'role/agent', session: instanceOf(machine.index) },
          now: { earliestMs: nowMs, latestMs: nowMs },
          gatewayTimeMs: nowMs,
        },
      ),
      ports,
    );
  const allBack = () => machines.slice(0, storm.dead).every(isBack);
  let backAtMs: number | undefined;
  for (; nowMs < NOW_MS + storm.forMs; nowMs += STEP_MS) {
    for (const machine of machines) {
      if (machine.state === 'pending' && nowMs >= machine.bootedAtMs) machine.state = 'running';
      if (machine.state === 'running' && machine.starts > 0 && !isBack(machine)) await beat(machine);
    }
    for (const message of queue.filter(({ visibleAtMs }) => visibleAtMs <= nowMs)) await work(message);
    mostUnderWay = Math.max(mostUnderWay, underWay());
    if ((nowMs - NOW_MS) % 60_000 === 0) await handleSweep(ports);
    if (allBack() && queue.length === 0) {
      backAtMs ??= nowMs - NOW_MS;
      break;
    }
  }
  const count = (type: string) => news.filter((it) => it.type === type).length;
  return {
    backAtMs,
    back: machines.slice(0, storm.dead).filter(isBack).length,
    starts: machines.map(({ starts }) => starts),
    launchedMs: machines.slice(0, storm.dead).map(({ launchTimeMs }) => launchTimeMs - NOW_MS),
    mostUnderWay,
    opened: count('brake.opened'),
    closed: count('brake.closed'),
    failed: count('restart.failed'),
    counted: ports.log.counted,
    fleet: table.item('FLEET', 'BRAKE'),
  };
}
