/**
 * Messages that wait by visibility keep the time of their first receive. Judged by that time alone, no window would
 * ever be past for them: a death that only deliver had noticed was never confirmed, and no restart was ever given up.
 */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';

import { MESSAGE_VERSION, type ReprobeMessage, type RestartMessage } from '../../core/messages.ts';
import { rangeOfMessage } from '../../core/time.ts';
import type { Workspace } from '../../core/workspace.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { received } from '../lambdas/calls.ts';
import {
  aStoredWorkspace,
  ec2Shows,
  endedClaims,
  holds,
  mockedAws,
  NOW_MS,
  portsOver,
} from '../lambdas/mocked-aws.ts';

const ID = '01KAVERDCTAAAAAAAAAAAAAAAA';
const INSTANCE = 'i-0123456789abcdef0';
const LAUNCHED_MS = NOW_MS - 7_200_000;
const head = {
  pk: 'WS#ws-1',
  sk: 'PARKED',
  head: { requestId: ID, receiptHandle: 'head', notBeforeMs: 0 },
};

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});

const reprobe: ReprobeMessage = {
  v: MESSAGE_VERSION,
  kind: 'reprobe',
  workspaceId: 'ws-1',
  instanceId: INSTANCE,
  generation: 3,
  epoch: 0,
  verdictId: ID,
  errorKind: 'unreachable',
};
const claims = () =>
  aws.dynamo
    .commandCalls(UpdateCommand)
    .filter((call) => call.args[0].input.UpdateExpression?.startsWith('SET claim ='));
const wakes = () => aws.sqs.commandCalls(ChangeMessageVisibilityCommand).length;

describe('a re-probe that made the first sighting itself', () => {
  it('comes back after 2 s, received for the first time before the evidence - confirms it', async () => {
    const evidence = {
      kind: 'stopped' as const,
      verdictId: ID,
      atMs: NOW_MS - 2000,
      generation: 3,
      instanceId: INSTANCE,
      bootId: 'boot-a',
      seq: 41,
      launchTimeMs: LAUNCHED_MS,
      round: 0,
    };
    holds(aws, aStoredWorkspace({ evidence }));
    ec2Shows(aws, 'stopped');
    const times = { receives: 2, sentAtMs: NOW_MS - 2100, firstReceivedAtMs: NOW_MS - 2050 };
    const settled = await handleReprobes([received(reprobe, times)], ports);
    expect(settled.get('message-1')).toEqual({ kind: 'done' });
    expect(claims()).toHaveLength(1);
  });
});

describe('a restart that waits', () => {
  it('its deadline passes - given up, however early the message was first received', async () => {
    const claimed: Workspace = aStoredWorkspace({
      generation: 4,
      claim: {
        token: ID,
        kind: 'dead',
        reason: 'stopped',
        step: 'starting',
        attempt: 1,
        epoch: 0,
        sinceMs: NOW_MS - 900_000,
        startedAtMs: NOW_MS - 890_000,
        deadlineMs: NOW_MS - 1,
        instanceId: INSTANCE,
        launchTimeMs: LAUNCHED_MS,
        forced: false,
      },
    });
    holds(aws, claimed);
    ec2Shows(aws, 'running', { launchTimeMs: NOW_MS - 885_000 });
    const message: RestartMessage = {
      v: MESSAGE_VERSION,
      kind: 'restart',
      workspaceId: 'ws-1',
      instanceId: INSTANCE,
      generation: 4,
      epoch: 0,
      token: ID,
    };
    const times = { receives: 300, sentAtMs: NOW_MS - 900_000, firstReceivedAtMs: NOW_MS - 899_000 };
    const settled = await handleRestarts([received(message, times)], ports);
    expect(settled.get('message-1')).toEqual({ kind: 'done' });
    expect(endedClaims(aws)).toHaveLength(1);
  });
});

describe('the range of a message', () => {
  const times = { sentAtMs: 1000, delayMs: 0, firstReceivedAtMs: 2000 };

  it('begins no earlier than the answer of the database', () => {
    expect(rangeOfMessage(9000, { ...times, answeredAtMs: 8000 })).toEqual({
      earliestMs: 8000,
      latestMs: 9000,
    });
  });

  it('a clock that is ahead - still begins at what the others say', () => {
    expect(rangeOfMessage(900_000, { ...times, answeredAtMs: 8000 })).toMatchObject({ earliestMs: 8000 });
  });

  it('a clock that is behind - begins at that clock', () => {
    expect(rangeOfMessage(3000, { ...times, answeredAtMs: 8000 })).toEqual({
      earliestMs: 3000,
      latestMs: 8000,
    });
  });
});

describe("deliver's own question", () => {
  it('ends busy - the head is not woken, or deliver would ask again at once, and so on without end', async () => {
    holds(aws, aStoredWorkspace({ freshUntilMs: NOW_MS + 10_000 }), [head]);
    ec2Shows(aws, 'stopped');
    const settled = await handleReprobes([received(reprobe)], ports);
    expect(settled.get('message-1')).toEqual({ kind: 'done' });
    expect(wakes()).toBe(0);
  });
});
