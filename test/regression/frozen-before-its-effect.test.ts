/**
 * A sandbox may stand still for minutes between the write that allows an effect and the effect. By then the claim may
 * have ended and the instance be of another boot, or the request be expired: the late effect must not happen. Found by
 * the simulator (profile silent, seeds 203 and 225).
 */
import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';

import type { ParkedRequest } from '../../core/parking.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { received } from '../lambdas/calls.ts';
import { aRestartMessage, claimed, LAUNCHED_MS } from '../lambdas/claimed.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, portsOver } from '../lambdas/mocked-aws.ts';
import { aMessage, answered, rowItem } from '../lambdas/parked.ts';

const FROZEN_FOR_MS = 5 * 60_000;

let aws: ReturnType<typeof mockedAws>;
let nowMs: number;
let asked: number;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  nowMs = NOW_MS;
  asked = 0;
  const over = portsOver(aws, () => {
    asked += 1;
    return answered(200);
  });
  ports = { ...over, clock: { ...over.clock, nowMs: () => nowMs } };
});

/** The sandbox freezes when that write was made, before its answer is seen. */
const freezesAfter = (isIt: (expression: string) => boolean, forMs = FROZEN_FOR_MS): void => {
  aws.dynamo.on(UpdateCommand).callsFake(({ UpdateExpression = '' }: { UpdateExpression?: string }) => {
    if (isIt(UpdateExpression)) nowMs += forMs;
    return {};
  });
};

describe('a sandbox that froze for minutes after the write of its intent', () => {
  const settle = async () => (await handleRestarts([received(aRestartMessage())], ports)).get('message-1');

  it('does not stop what is there by then (S8, S9)', async () => {
    holds(aws, claimed({ kind: 'silent', reason: 'silent' }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    freezesAfter((expression) => expression.includes('lastStopMs'));
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(nowMs).toBeGreaterThan(NOW_MS);
    expect(aws.ec2.commandCalls(StopInstancesCommand)).toHaveLength(0);
  });

  it('does not ask for a softer restart of the boot that is there by then (S8, S9)', async () => {
    ports = { ...ports, settings: { ...ports.settings, softRestartSeconds: 120 } };
    holds(aws, claimed({ kind: 'silent', reason: 'silent' }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    freezesAfter((expression) => expression.startsWith('SET claim ='));
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(nowMs).toBeGreaterThan(NOW_MS);
    expect(aws.bus.commandCalls(PutEventsCommand)).toHaveLength(0);
  });

  it('does not stop it by a clock that is minutes behind either (S16)', async () => {
    // Found by the simulator: such a clock had not yet come to the time that the message was known to be received at.
    nowMs = NOW_MS - 4 * 60_000;
    holds(aws, claimed({ kind: 'silent', reason: 'silent' }));
    ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
    freezesAfter((expression) => expression.includes('lastStopMs'), 60_000);
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(aws.ec2.commandCalls(StopInstancesCommand)).toHaveLength(0);
  });

  it('does not start what somebody may have stopped on purpose by then (S8, S12)', async () => {
    holds(aws, claimed());
    ec2Shows(aws, 'stopped', { launchTimeMs: LAUNCHED_MS });
    freezesAfter((expression) => expression.startsWith('SET claim ='));
    expect(await settle()).toMatchObject({ kind: 'again' });
    expect(nowMs).toBeGreaterThan(NOW_MS);
    expect(aws.ec2.commandCalls(StartInstancesCommand)).toHaveLength(0);
  });
});

describe('a sandbox that froze after it began an attempt, for longer than its lease', () => {
  const settleRequest = async (changes: Partial<ParkedRequest> = {}) => {
    holds(aws, aStoredWorkspace(), [rowItem({ expiresAtMs: NOW_MS + 60_000, ...changes })]);
    return (await handleDeliveries([received(aMessage())], ports)).get('message-1');
  };

  /** The times that the writes say which begin an attempt. */
  const timesOfBegins = (): unknown[] => {
    const times: unknown[] = [];
    type Write = { ExpressionAttributeValues?: Record<string, unknown> };
    aws.dynamo.on(UpdateCommand).callsFake(({ ExpressionAttributeValues }: Write) => {
      times.push(ExpressionAttributeValues?.[':now']);
      return {};
    });
    return times;
  };

  it('sends nothing: others may have ended the request meanwhile (S21)', async () => {
    ec2Shows(aws, 'running');
    freezesAfter((expression) => expression.includes('lastAttempt'));
    expect(await settleRequest()).toMatchObject({ kind: 'again' });
    expect(nowMs).toBeGreaterThan(NOW_MS);
    expect(asked).toBe(0);
  });

  it('before the write that begins the attempt - does not begin what has expired by then (S21)', async () => {
    ec2Shows(aws, 'running');
    const begins = timesOfBegins();
    let looks = 0;
    const look = ports.ec2.look.bind(ports.ec2);
    const slow = async (ids: readonly string[]) => {
      looks += 1;
      nowMs += FROZEN_FOR_MS;
      return look(ids);
    };
    ports = { ...ports, ec2: { look: slow } };
    await settleRequest({ expiresAtMs: NOW_MS + 3_600_000 });
    expect(looks).toBeGreaterThan(0);
    expect(begins[0]).toBe(NOW_MS + FROZEN_FOR_MS);
  });

  it('before that write, by a clock that is behind - begins it as late as it is by now (S21)', async () => {
    // Found by the simulator: the database had told the time, and then the sandbox stood still.
    nowMs = NOW_MS - 60_000;
    ec2Shows(aws, 'running');
    const begins = timesOfBegins();
    const look = ports.ec2.look.bind(ports.ec2);
    const slow = async (ids: readonly string[]) => {
      nowMs += FROZEN_FOR_MS;
      return look(ids);
    };
    ports = { ...ports, ec2: { look: slow } };
    await settleRequest({ expiresAtMs: NOW_MS + 3_600_000 });
    expect(begins[0]).toBe(NOW_MS + FROZEN_FOR_MS);
  });

  it('in one of its reads, by a clock that is behind - does not begin what may have expired by then (S21)', async () => {
    // Found by the simulator, too: the one read had told the time before the other one took minutes.
    nowMs = NOW_MS - 6 * 60_000;
    ec2Shows(aws, 'running');
    const parkedFor = ports.ledger.parkedFor.bind(ports.ledger);
    const slow: typeof parkedFor = async (workspaceId) => {
      const read = await parkedFor(workspaceId);
      nowMs += FROZEN_FOR_MS;
      return read;
    };
    ports = { ...ports, ledger: { ...ports.ledger, parkedFor: slow } };
    expect(await settleRequest()).toMatchObject({ kind: 'again' });
    expect(asked).toBe(0);
  });

  it('for some seconds only - asks EC2 once more, and sends to the address that it gives now (S20)', async () => {
    ec2Shows(aws, 'running');
    freezesAfter((expression) => expression.includes('lastAttempt'), 30_000);
    expect(await settleRequest()).toEqual({ kind: 'done' });
    expect(aws.ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(2);
    expect(asked).toBe(1);
  });

  it('for some seconds, in which the instance was started anew - sends nothing, and takes the attempt back', async () => {
    ec2Shows(aws, 'running');
    freezesAfter((expression) => {
      const isBegin = expression.includes('lastAttempt = :mark, ');
      if (isBegin) ec2Shows(aws, 'running', { launchTimeMs: NOW_MS });
      return isBegin;
    }, 30_000);
    expect(await settleRequest()).toMatchObject({ kind: 'again' });
    expect(asked).toBe(0);
    const [, back] = aws.dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);
    expect(back?.ExpressionAttributeValues).toMatchObject({
      ':parked': 'parked',
      ':why': 'moved',
      ':failures': 0,
    });
  });

  it('in that second look, for minutes - sends nothing: what EC2 has said is old again, and the lease is over (S20, S21)', async () => {
    ec2Shows(aws, 'running');
    freezesAfter((expression) => expression.includes('lastAttempt = :mark, '), 2500);
    let looks = 0;
    const look = ports.ec2.look.bind(ports.ec2);
    const freezesInSecond = async (ids: readonly string[]) => {
      looks += 1;
      const seen = await look(ids);
      if (looks === 2) nowMs += 100_000;
      return seen;
    };
    ports = { ...ports, ec2: { look: freezesInSecond } };
    expect(await settleRequest()).toMatchObject({ kind: 'again' });
    expect(looks).toBe(2);
    expect(asked).toBe(0);
  });
});
