/** One workspace and the functions around it over mocked clients, for tests that are one row of the fault matrix each. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Claim, Evidence, Workspace } from '../../core/workspace.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { dueKey } from '../../lambdas/adapters/keys.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { aRequest, apiCall, forwardError, received } from '../lambdas/calls.ts';
import {
  aClaim,
  aStoredWorkspace,
  dated,
  endedClaims,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
  QUEUE,
  TABLE,
} from '../lambdas/mocked-aws.ts';

export const INSTANCE = 'i-0123456789abcdef0';
export const LAUNCHED_MS = NOW_MS - 7_200_000;
export const VERDICT = '01KAVERDCTAAAAAAAAAAAAAAAA';

export function arrange() {
  const aws = mockedAws();
  const ports = {
    ...portsOver(aws),
    registry: registry(openTable(TABLE)),
    due: dueWork(openTable(TABLE)),
    workspaceTag: { Key: 'defib:workspace', Value: 'true' },
    operatorRoles: ['operator'],
    reporterRoles: ['proxy'],
  };
  const updates = () => aws.dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);
  const starts = () => aws.ec2.commandCalls(StartInstancesCommand).length;
  const stops = () => aws.ec2.commandCalls(StopInstancesCommand).length;
  return {
    aws,
    ports,
    updates,
    starts,
    stops,
    acts: () => starts() + stops(),
    probes: () => aws.ec2.commandCalls(DescribeInstancesCommand).length,
    sent: (queue: keyof typeof QUEUE) =>
      aws.sqs
        .commandCalls(SendMessageCommand)
        .filter((call) => call.args[0].input.QueueUrl === QUEUE[queue])
        .map((call) => JSON.parse(call.args[0].input.MessageBody ?? '') as Record<string, unknown>),
    news: () =>
      aws.bus.commandCalls(PutEventsCommand).map((call) => call.args[0].input.Entries?.[0]?.DetailType),
    /** The claims as they were written, one after another. */
    claims: () =>
      updates().flatMap((it) => (it.ExpressionAttributeValues?.[':claim'] as Claim | undefined) ?? []),
    ended: () => endedClaims(aws),
    fails: (kind = 'refused', more: object = {}) =>
      handleForwardError(forwardError({ error: { kind }, request: { ...aRequest, ...more } }), ports),
    reprobes: async (changes: object = {}) =>
      (
        await handleReprobes(
          [
            received({
              v: 1,
              kind: 'reprobe' as const,
              workspaceId: 'ws-1',
              instanceId: INSTANCE,
              generation: 3,
              epoch: 0,
              verdictId: VERDICT,
              errorKind: 'refused' as const,
              ...changes,
            }),
          ],
          ports,
        )
      ).get('message-1'),
    restarts: async (claim: Claim) =>
      (
        await handleRestarts(
          [
            received({
              v: 1,
              kind: 'restart' as const,
              workspaceId: 'ws-1',
              instanceId: INSTANCE,
              generation: 4,
              epoch: claim.epoch,
              token: claim.token,
            }),
          ],
          ports,
        )
      ).get('message-1'),
    beats: (bootId: string, seq: number, atMs = NOW_MS) =>
      handleHeartbeat(
        apiCall(
          'POST /workspaces/{workspaceId}/heartbeats',
          { bootId, seq },
          { caller: { principal: 'role/agent', session: INSTANCE }, gatewayTimeMs: atMs },
        ),
        ports,
      ),
    orders: (route: string, body: object) =>
      handleOperate(
        apiCall(route, body, {
          caller: { principal: 'role/operator', roleName: 'operator', session: 's' },
        }),
        ports,
      ),
    sweeps: () => {
      aws.dynamo
        .on(QueryCommand)
        .callsFake(({ ExpressionAttributeValues: values }: { ExpressionAttributeValues: object }) => ({
          Items: (values as Record<string, unknown>)[':due'] === dueKey.workspaces ? [{ pk: 'WS#ws-1' }] : [],
          $metadata: dated(),
        }));
      return handleSweep(ports);
    },
    /** Every conditional write finds the workspace as it is given, and not as it was read. */
    writesFind: (found: Workspace) =>
      aws.dynamo.on(UpdateCommand).callsFake(() => {
        throw new ConditionalCheckFailedException({
          message: 'no',
          $metadata: {},
          Item: marshall(itemOf(found), { removeUndefinedValues: true }),
        });
      }),
    ec2Refuses: (act: 'start' | 'stop', name: string) =>
      aws.ec2
        .on(act === 'start' ? StartInstancesCommand : StopInstancesCommand)
        .rejects(Object.assign(new Error(name), { name })),
    ec2Starts: (previousState: 'stopped' | 'running') =>
      aws.ec2.on(StartInstancesCommand).resolves({
        StartingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: previousState } }],
      }),
  };
}

/** The first sighting, two seconds ago. */
export function evidenceOf(changes: Partial<Evidence> = {}): Evidence {
  return {
    kind: 'stopped',
    verdictId: VERDICT,
    atMs: NOW_MS - 2000,
    generation: 3,
    instanceId: INSTANCE,
    bootId: 'boot-a',
    seq: 41,
    launchTimeMs: LAUNCHED_MS,
    round: 0,
    ...changes,
  };
}

export function open(changes: Partial<Claim> = {}): Claim {
  return { ...aClaim(), launchTimeMs: LAUNCHED_MS, bootId: 'boot-a', ...changes };
}

export function claimed(claim: Claim, changes: Partial<Workspace> = {}): Workspace {
  return aStoredWorkspace({ generation: 4, retiredBootId: 'boot-a', claim, ...changes });
}

/** A Start of twenty seconds ago, which is known to have succeeded. */
export const started: Partial<Claim> = {
  step: 'starting',
  attempt: 1,
  starts: 1,
  startedAtMs: NOW_MS - 20_000,
};
