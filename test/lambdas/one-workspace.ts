/** One workspace and the functions around it, over mocked clients: what goes in, and what was made of it. */
import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach } from 'vitest';
import type { ReprobeMessage, RestartMessage } from '../../core/messages.ts';
import type { Claim, Workspace } from '../../core/workspace.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { dueKey } from '../../lambdas/adapters/keys.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import type { Received } from '../../lambdas/ports/queues.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import type { ApiCall } from '../../lambdas/runtime/api-call.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { aRequest, apiCall, forwardError, received } from './calls.ts';
import { aReprobeMessage, aRestartMessage, INSTANCE } from './claimed.ts';
import {
  aClaim,
  endedClaims,
  holds,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
  type QUEUE,
  TABLE,
} from './mocked-aws.ts';
import { finds, news as eventsOf, sentTo } from './parked.ts';
import { conditionFailed } from './refused-writes.ts';

/** Every port that any of the functions needs. */
export function allPortsOver(...over: Parameters<typeof portsOver>) {
  return {
    ...portsOver(...over),
    registry: registry(openTable(TABLE)),
    due: dueWork(openTable(TABLE)),
    workspaceTag: { Key: 'defib:workspace', Value: 'true' },
    operatorRoles: ['operator'],
    reporterRoles: ['proxy'],
  };
}

export class OneWorkspace {
  aws!: ReturnType<typeof mockedAws>;
  ports!: ReturnType<typeof allPortsOver>;

  begin(): void {
    this.aws = mockedAws();
    this.ports = allPortsOver(this.aws);
  }

  /** What the table holds. */
  hold = (workspace: Workspace, more: Record<string, unknown>[] = []): void => {
    holds(this.aws, workspace, more);
  };

  updates = () => this.aws.dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);
  puts = () => this.aws.dynamo.commandCalls(PutCommand).map((call) => call.args[0].input);
  transactions = () =>
    this.aws.dynamo.commandCalls(TransactWriteCommand).map((call) => call.args[0].input.TransactItems ?? []);
  starts = () => this.aws.ec2.commandCalls(StartInstancesCommand).length;
  stops = () => this.aws.ec2.commandCalls(StopInstancesCommand).length;
  acts = () => this.starts() + this.stops();
  probes = () => this.aws.ec2.commandCalls(DescribeInstancesCommand).length;
  sent = (queue: keyof typeof QUEUE) => sentTo(this.aws, queue).map(({ message }) => message);
  news = () => eventsOf(this.aws).map(({ type }) => type);
  /** The events with all they say. */
  told = () => eventsOf(this.aws).map(({ type, detail }) => ({ type, ...detail }));
  counted = () => this.ports.log.counted;
  /** The claims as they were written, one after another. */
  claims = () =>
    this.updates().flatMap((it) => (it.ExpressionAttributeValues?.[':claim'] as Claim | undefined) ?? []);
  /** The writes that made a claim. */
  claimWrites = () => this.updates().filter((it) => it.UpdateExpression?.startsWith('SET claim ='));
  ended = () => endedClaims(this.aws);

  fails = (kind = 'refused', more: object = {}) =>
    handleForwardError(forwardError({ error: { kind }, request: { ...aRequest, ...more } }), this.ports);

  reprobes = async (
    changes: Partial<ReprobeMessage> = {},
    receipt: Partial<Received<ReprobeMessage>> = {},
  ) => {
    const message = received(aReprobeMessage(changes), receipt);
    return (await handleReprobes([message], this.ports)).get('message-1');
  };

  /** One receive of the restart message. */
  settle = async (changes: Partial<RestartMessage> = {}, receipt: Partial<Received<RestartMessage>> = {}) => {
    const message = received(aRestartMessage(changes), receipt);
    return (await handleRestarts([message], this.ports)).get('message-1');
  };
  restarts = ({ epoch, token }: Pick<Claim, 'epoch' | 'token'> = aClaim()) => this.settle({ epoch, token });

  beats = (bootId: string, seq: number, atMs = NOW_MS) =>
    handleHeartbeat(
      apiCall(
        'POST /workspaces/{workspaceId}/heartbeats',
        { bootId, seq },
        { caller: { principal: 'role/agent', session: INSTANCE }, gatewayTimeMs: atMs },
      ),
      this.ports,
    );

  orders = (route: string, body: unknown, changes: Partial<ApiCall> = {}) =>
    handleOperate(
      apiCall(route, body, {
        caller: { principal: 'role/operator', roleName: 'operator', session: 's' },
        ...changes,
      }),
      this.ports,
    );

  /** The sweep finds this workspace due, and nothing else. */
  sweeps = () => {
    finds(this.aws, { [dueKey.workspaces]: [{ pk: 'WS#ws-1' }] });
    return handleSweep(this.ports);
  };

  /** Every conditional write finds the workspace as it is given, and not as it was read. */
  writesFind = (found: Workspace) =>
    this.aws.dynamo.on(UpdateCommand).rejects(conditionFailed(itemOf(found)));

  ec2Refuses = (act: 'start' | 'stop', name: string) =>
    this.aws.ec2
      .on(act === 'start' ? StartInstancesCommand : StopInstancesCommand)
      .rejects(Object.assign(new Error(name), { name }));
  ec2Starts = (previousState: 'stopped' | 'running') =>
    this.aws.ec2.on(StartInstancesCommand).resolves({
      StartingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: previousState } }],
    });
  ec2Stops = () =>
    this.aws.ec2.on(StopInstancesCommand).resolves({
      StoppingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: 'running' } }],
    });
}

/** Begins anew for each test of a file. */
export function anew<World extends OneWorkspace>(world: World): World {
  beforeEach(() => {
    world.begin();
  });
  return world;
}

/** The plain world. */
export function oneWorkspace(): OneWorkspace {
  return anew(new OneWorkspace());
}
