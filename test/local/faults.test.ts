import { describe, expect, test } from 'vitest';

import { CallBook } from '../../local/ec2-proxy/call-book.ts';
import { answerControl } from '../../local/ec2-proxy/control.ts';
import { FaultBook } from '../../local/ec2-proxy/fault-book.ts';

const id = 'i-0123456789abcdef0';
const other = 'i-0fedcba9876543210';

describe('a probe fault', () => {
  test('one state - is shown until it is taken back with null', () => {
    const faults = new FaultBook();
    faults.order({ probe: { [id]: 'stopped' } });
    expect([faults.shownState(id), faults.shownState(id)]).toEqual(['stopped', 'stopped']);
    faults.order({ probe: { [id]: null } });
    expect(faults.shownState(id)).toBeUndefined();
  });

  test('a list - is used up call by call, then the truth', () => {
    const faults = new FaultBook();
    faults.order({ probe: { [id]: ['stopped', 'running'] } });
    expect([1, 2, 3].map(() => faults.shownState(id))).toEqual(['stopped', 'running', undefined]);
    expect(faults.standing.probe).toEqual({});
  });

  test('another order - leaves other instances, actions and times alone', () => {
    const faults = new FaultBook();
    faults.order({ probe: { [id]: 'stopped' }, throttle: { StartInstances: 1 }, pendingSeconds: 9 });
    faults.order({ probe: { [other]: 'pending' }, throttle: { StopInstances: 1 }, noCapacity: [id] });
    expect(faults.standing).toMatchObject({
      probe: { [id]: 'stopped', [other]: 'pending' },
      throttle: { StartInstances: 1, StopInstances: 1 },
      pendingSeconds: 9,
      noCapacity: [id],
    });
  });
});

test('a rate - strikes when chance is below it', () => {
  let chance = 0.49;
  const faults = new FaultBook(undefined, () => chance);
  faults.order({ loseAnswer: { StartInstances: 0.5 } });
  expect(faults.strikes('loseAnswer', 'StartInstances')).toBe(true);
  expect(faults.strikes('loseAnswer', 'StopInstances')).toBe(false);
  chance = 0.5;
  expect(faults.strikes('loseAnswer', 'StartInstances')).toBe(false);
});

test('cleared - everything is as at first, and who waits is told', () => {
  let told = 0;
  const faults = new FaultBook(() => (told += 1));
  faults.order({ delayMs: { DescribeInstances: 300 }, stoppingSeconds: 60 });
  faults.clear();
  expect(faults.standing).toEqual(new FaultBook().standing);
  expect(faults.times).toMatchObject({ pendingSeconds: 3, stoppingSeconds: 3 });
  expect(told).toBe(2);
});

describe('the control port', () => {
  const put = (body: string) => {
    const call = { method: 'PUT', path: '/faults', rawHeaders: [], body };
    return answerControl(call, new FaultBook(), new CallBook());
  };

  test.each([
    ['not JSON', 'x', 'Expected a JSON object, got something else'],
    ['an unknown field', '{"throtle": {}}', 'faults: Unrecognized key: "throtle"'],
    [
      'an unknown action',
      '{"throttle": {"DescribeInstance": 1}}',
      'throttle: Unrecognized key: "DescribeInstance"',
    ],
    [
      'no instance id',
      '{"probe": {"x": "stopped"}}',
      'probe.x: Invalid instance id: expected i- and 8 to 17 hex digits',
    ],
    [
      'a rate above 1',
      '{"fail": {"StartInstances": 2}}',
      'fail.StartInstances: Too big: expected number to be <=1',
    ],
    [
      'no state',
      `{"probe": {"${id}": "off"}}`,
      `probe.${id}: Invalid state: expected one of pending, running, shutting-down, terminated, stopping, stopped, a list of them, or null`,
    ],
  ])('%s - is refused with a line that says so', (_, body, line) => {
    expect(put(body)).toEqual({ status: 400, contentType: 'text/plain', body: `${line}\n` });
  });

  test('a good order - is answered with the faults that stand', () => {
    const answer = put('{"pendingSeconds": 0}');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ pendingSeconds: 0, stoppingSeconds: 3 });
  });

  test('another address - is answered with the ones there are', () => {
    const call = { method: 'GET', path: '/fault', rawHeaders: [], body: '' };
    expect(answerControl(call, new FaultBook(), new CallBook())).toMatchObject({ status: 404 });
  });
});

test('calls - are counted once for each instance they name, or for all of them', () => {
  const calls = new CallBook();
  calls.count('DescribeInstances', [id, id, other]);
  calls.count('DescribeInstances', [id]);
  calls.count('DescribeInstances', []);
  expect(calls.counts).toMatchObject({
    DescribeInstances: { [id]: 2, [other]: 1, '*': 1 },
    StartInstances: {},
    StopInstances: {},
  });
});
