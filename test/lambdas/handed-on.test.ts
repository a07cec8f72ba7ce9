import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { ChangeMessageVisibilityCommand, DeleteMessageCommand } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeliveryMessage, ParkedHandle } from '../../core/messages.ts';
import { DELIVERY_LEASE_MS } from '../../core/parking.ts';
import type { Workspace } from '../../core/workspace.ts';
import { handleHandedOn } from '../../lambdas/deliver/handed-on.ts';
import type { Received } from '../../lambdas/ports/queues.ts';
import { received } from './calls.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';
import { aMessage, answered, rowItem, totalsItem } from './parked.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let asked: number;
beforeEach(() => {
  aws = mockedAws();
  asked = 0;
  ports = portsOver(aws, () => {
    asked += 1;
    return answered(200);
  });
  ec2Shows(aws, 'running');
  hold();
});

function hold(workspace: Partial<Workspace> = {}): void {
  holds(aws, aStoredWorkspace(workspace), [rowItem(), totalsItem()]);
}

const handle: ParkedHandle = {
  id: 'parked-1',
  receiptHandle: 'parked-handle',
  receives: 3,
  sentAtMs: NOW_MS - 60_000,
  firstReceivedAtMs: NOW_MS - 50_000,
};
const delivery = (changes: Partial<Received<DeliveryMessage>> = {}) =>
  received<DeliveryMessage>({ v: 1, kind: 'delivery', handle, parked: aMessage() }, changes);
const done = new Map([['message-1', { kind: 'done' }]]);

const deleted = () =>
  aws.sqs.commandCalls(DeleteMessageCommand).map((call) => call.args[0].input.ReceiptHandle);
const hidden = () =>
  aws.sqs.commandCalls(ChangeMessageVisibilityCommand).map(({ args: [{ input }] }) => {
    expect(input.ReceiptHandle).toBe('parked-handle');
    return input.VisibilityTimeout;
  });

describe('a parked message that was handed on', () => {
  it('is delivered - hidden for a lease, then deleted by its own handle', async () => {
    expect(await handleHandedOn([delivery()], ports)).toEqual(done);
    expect(asked).toBe(1);
    expect(hidden()).toEqual([90]);
    expect(deleted()).toEqual(['parked-handle']);
  });

  it('has to wait - hidden for as long, and stays', async () => {
    hold({ settleUntilMs: NOW_MS + 30_000 });
    expect(await handleHandedOn([delivery()], ports)).toEqual(done);
    expect(deleted()).toEqual([]);
    expect(hidden()).toEqual([90, expect.any(Number)]);
    expect(hidden()[1]).toBeLessThan(90);
  });

  it('is in other hands by now - nothing is done about it', async () => {
    const gone = Object.assign(new Error('not in flight'), { name: 'MessageNotInflight' });
    aws.sqs.on(ChangeMessageVisibilityCommand).rejects(gone);
    expect(await handleHandedOn([delivery()], ports)).toEqual(done);
    expect([asked, deleted(), ports.log.counted]).toEqual([0, [], []]);
  });

  it('fails by a fault - seen again soon, later after each receive; the hand-over is done with', async () => {
    aws.dynamo.on(GetCommand).rejects(new Error('no table'));
    expect(await handleHandedOn([delivery()], ports)).toEqual(done);
    expect(hidden()).toEqual([90, 20]);
    expect(ports.log.counted).toEqual(['MessageFailed']);
  });

  it('is done, and cannot be deleted - comes back when its lease is over, and the hand-over is done with', async () => {
    aws.sqs.on(DeleteMessageCommand).rejects(new Error('no answer'));
    expect(await handleHandedOn([delivery()], ports)).toEqual(done);
    expect(asked).toBe(1);
  });
});

describe('a hand-over that waited for a hand', () => {
  const after = (ms: number) => delivery({ sentAtMs: NOW_MS - ms, firstReceivedAtMs: NOW_MS });

  it('until the parked message is seen again - nothing is done, and it is counted', async () => {
    expect(await handleHandedOn([after(DELIVERY_LEASE_MS)], ports)).toEqual(done);
    expect([asked, hidden(), deleted(), ports.log.counted]).toEqual([0, [], [], ['DeliveryTooLate']]);
  });

  it('not quite so long - delivered', async () => {
    await handleHandedOn([after(DELIVERY_LEASE_MS - 1)], ports);
    expect(asked).toBe(1);
  });

  it('by attributes that are no times - delivered: what is unknown is not too late', async () => {
    await handleHandedOn([delivery({ sentAtMs: NaN })], ports);
    expect(asked).toBe(1);
  });
});
