import { beforeEach, describe, expect, test } from 'vitest';

import { answerCall, type Desk } from '../../local/ec2-proxy/answer-call.ts';
import { CallBook } from '../../local/ec2-proxy/call-book.ts';
import { FaultBook } from '../../local/ec2-proxy/fault-book.ts';
import type { HttpAnswer } from '../../local/ec2-proxy/forward.ts';
import { Lifecycle } from '../../local/ec2-proxy/lifecycle.ts';

const id = 'i-0123456789abcdef0';
const other = 'i-0fedcba9876543210';

let upstream: HttpAnswer | Error;
let forwarded: number;
let nowMs: number;
let desk: Desk;

beforeEach(() => {
  upstream = described(id, other);
  forwarded = 0;
  nowMs = Date.parse('2026-07-01T12:00:00Z');
  const faults = new FaultBook();
  desk = {
    faults,
    lifecycle: new Lifecycle(
      () => faults.times,
      () => {},
    ),
    calls: new CallBook(),
    nowMs: () => nowMs,
    newId: () => 'request-1',
    forward: () => {
      forwarded += 1;
      return upstream instanceof Error ? Promise.reject(upstream) : Promise.resolve(upstream);
    },
  };
});

const xml = (body: string, status = 200): HttpAnswer => ({ status, contentType: 'application/xml', body });

/** As MiniStack describes instances: running at once, launched long ago. */
function described(...ids: string[]): HttpAnswer {
  const items = ids.map(
    (it) => `<item><reservationId>r-1</reservationId><instancesSet><item><instanceId>${it}</instanceId>
      <instanceState><code>16</code><name>running</name></instanceState><launchTime>2026-07-01T00:00:00Z</launchTime>
      <tagSet><item><key>a&amp;b</key><value>1.0</value></item></tagSet></item></instancesSet></item>`,
  );
  return xml(
    `<?xml version="1.0" encoding="UTF-8"?><DescribeInstancesResponse xmlns="urn:ec2"><reservationSet>${items.join('')}</reservationSet></DescribeInstancesResponse>`,
  );
}

/** As MiniStack answers a start or a stop: it has done so, whatever the state was. */
function moved(action: string, previous = 'running'): HttpAnswer {
  return xml(
    `<${action}Response xmlns="urn:ec2"><instancesSet><item><instanceId>${id}</instanceId><previousState><code>16</code><name>${previous}</name></previousState></item></instancesSet></${action}Response>`,
  );
}

async function call(form: string): Promise<HttpAnswer> {
  const result = await answerCall({ method: 'POST', path: '/', rawHeaders: [], body: form }, desk);
  if (result === 'lost') throw new Error('the answer was lost');
  return result.answer;
}

describe('DescribeInstances', () => {
  test('the instance-id filter - is honoured, though the emulator sends every instance', async () => {
    const { body } = await call(`Action=DescribeInstances&Filter.1.Name=instance-id&Filter.1.Value.1=${id}`);
    expect(body).toContain(id);
    expect(body).not.toContain(other);
  });

  test('the state filter - goes by the state that the proxy shows', async () => {
    desk.lifecycle.launch(id, nowMs);
    const { body } = await call(
      'Action=DescribeInstances&Filter.1.Name=instance-state-name&Filter.1.Value.1=pending',
    );
    expect(body).toContain(id);
    expect(body).not.toContain(other);
  });

  test('an ordered lie - changes the state of that instance only, and not its launch time', async () => {
    desk.faults.order({ probe: { [id]: ['stopped'] } });
    const lie = await call(`Action=DescribeInstances&InstanceId.1=${id}`);
    expect(lie.body.match(/<name>(\w+)<\/name>/g)).toEqual(['<name>stopped</name>', '<name>running</name>']);
    expect(lie.body).toContain('<launchTime>2026-07-01T00:00:00.000Z</launchTime>');
    const truth = await call(`Action=DescribeInstances&InstanceId.1=${id}`);
    expect(truth.body).not.toContain('stopped');
  });

  test('what the proxy does not know - passes through as it came', async () => {
    const { body } = await call('Action=DescribeInstances');
    expect(body).toContain('xmlns="urn:ec2"');
    expect(body).toContain('<key>a&amp;b</key><value>1.0</value>');
  });
});

describe('a call that changes states', () => {
  test('a stop, then a start while stopping - is refused with IncorrectInstanceState', async () => {
    upstream = moved('StopInstances');
    const stop = await call(`Action=StopInstances&InstanceId.1=${id}`);
    expect(stop.body).toContain('<currentState><code>64</code><name>stopping</name></currentState>');
    upstream = moved('StartInstances', 'stopped');
    const start = await call(`Action=StartInstances&InstanceId.1=${id}`);
    expect(start).toMatchObject({ status: 400 });
    expect(start.body).toContain('<Code>IncorrectInstanceState</Code>');
  });

  test('a time that is up - counts before the next call is judged', async () => {
    upstream = moved('StopInstances');
    await call(`Action=StopInstances&InstanceId.1=${id}`);
    nowMs += 3000;
    upstream = moved('StartInstances', 'stopped');
    const { body } = await call(`Action=StartInstances&InstanceId.1=${id}`);
    expect(body).toContain('<previousState><code>80</code><name>stopped</name></previousState>');
    expect(body).toContain('<currentState><code>0</code><name>pending</name></currentState>');
  });

  test('the emulator says no - that is the answer, word for word, and nothing moves', async () => {
    desk.lifecycle.adopt(id, 'terminated', nowMs);
    upstream = xml('<Response>UnauthorizedOperation</Response>', 403);
    expect(await call(`Action=StopInstances&InstanceId.1=${id}`)).toEqual(upstream);
    expect(desk.lifecycle.lifeOf(id)?.state).toBe('terminated');
  });

  test('a dry run - is DryRunOperation and moves nothing', async () => {
    upstream = moved('StopInstances');
    const { status, body } = await call(`Action=StopInstances&InstanceId.1=${id}&DryRun=true`);
    expect(status).toBe(412);
    expect(body).toContain('DryRunOperation');
    expect(desk.lifecycle.lifeOf(id)).toBeUndefined();
  });
});

describe('a fault', () => {
  test('a throttle - answers before the emulator is asked, and the call is counted', async () => {
    desk.faults.order({ throttle: { DescribeInstances: 1 } });
    const { status, body } = await call(`Action=DescribeInstances&InstanceId.1=${id}`);
    expect(status).toBe(503);
    expect(body).toContain('<Code>RequestLimitExceeded</Code>');
    expect(forwarded).toBe(0);
    expect(desk.calls.counts).toMatchObject({ DescribeInstances: { [id]: 1 } });
  });

  test('a lost answer - the start is done all the same', async () => {
    desk.lifecycle.adopt(id, 'stopped', nowMs);
    desk.faults.order({ loseAnswer: { StartInstances: 1 } });
    upstream = moved('StartInstances', 'stopped');
    const start = {
      method: 'POST',
      path: '/',
      rawHeaders: [],
      body: `Action=StartInstances&InstanceId.1=${id}`,
    };
    expect(await answerCall(start, desk)).toBe('lost');
    expect(desk.lifecycle.lifeOf(id)?.state).toBe('pending');
  });

  test('an emulator that is gone - is said in EC2 words', async () => {
    upstream = new Error('connect ECONNREFUSED');
    const { status, body } = await call('Action=DescribeInstances');
    expect(status).toBe(503);
    expect(body).toContain('<Code>Unavailable</Code>');
  });
});

test('DescribeInstanceStatus - leaves out what is not running, unless all are asked for', async () => {
  desk.lifecycle.launch(id, nowMs);
  upstream = xml(
    `<DescribeInstanceStatusResponse><instanceStatusSet><item><instanceId>${id}</instanceId><instanceState><code>16</code><name>running</name></instanceState></item></instanceStatusSet></DescribeInstanceStatusResponse>`,
  );
  expect((await call('Action=DescribeInstanceStatus')).body).not.toContain(id);
  expect((await call('Action=DescribeInstanceStatus&IncludeAllInstances=true')).body).toContain('pending');
});
