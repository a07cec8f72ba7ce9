import { describe, expect, it } from 'vitest';

import type { Served } from '../../demo/agent-log.ts';
import type { ReportAnswer } from '../../demo/defib.ts';
import type { StoryResult } from '../../demo/story-result.ts';
import { isAnswered, isOpen, newRequest, type SentRequest } from '../../demo/requests.ts';
import { fateOf, isGood, tallyOf, type WorkspaceFacts } from '../../demo/tally.ts';

const request = (changes: Partial<SentRequest> = {}, id = 'r-1'): SentRequest => ({
  ...newRequest(id, 'ws-1', Buffer.from(`body of ${id}`), 0),
  ...changes,
});
const servedBy = ({ id, sha256 }: SentRequest, how: Served['how'] = 'worked'): Served => ({
  key: id,
  sha256,
  how,
  bootId: 'boot-a',
});
const parkedAnswer: ReportAnswer = { status: 202, code: 'parked', verdict: 'busy', requestId: '01A' };
const answered = { answeredStatus: 200 };
const parked = { answer: parkedAnswer };
const end = (state: string, why?: string) => ({ end: { state, attempts: 1, ...(why && { why }) } });

describe('the fate of a request', () => {
  it('answered by the agent, and in its log - delivered', () => {
    const sent = request(answered);
    expect(fateOf(sent, [servedBy(sent)])).toEqual({ kind: 'delivered' });
  });

  it('said to be delivered, at once or later, and not in the log - lost', () => {
    for (const sent of [request(answered), request({ ...parked, ...end('delivered') })]) {
      expect(fateOf(sent, [])).toMatchObject({ kind: 'lost' });
    }
  });

  it('delivered with other bytes, even in one of two copies - lost', () => {
    const sent = request({ ...parked, ...end('delivered') });
    const other = { ...servedBy(sent), sha256: 'of something else' };
    expect(fateOf(sent, [servedBy(sent), other])).toMatchObject({ kind: 'lost' });
  });

  it('delivered twice with the same bytes - delivered', () => {
    const sent = request({ ...parked, ...end('delivered') });
    expect(fateOf(sent, [servedBy(sent), servedBy(sent, 'repeated')])).toEqual({ kind: 'delivered' });
  });

  it('refused at once, or in the end - refused', () => {
    const refused = request({ answer: { status: 503, code: 'dead', verdict: 'dead', restarting: true } });
    expect(fateOf(refused, [])).toEqual({ kind: 'refused' });
    expect(fateOf(request({ ...parked, ...end('refused', 'dead') }), [])).toEqual({ kind: 'refused' });
  });

  it.each(['expired', 'dead-lettered', 'cancelled'])('promised, and %s - lost', (state) => {
    expect(fateOf(request({ ...parked, ...end(state) }), [])).toMatchObject({ kind: 'lost' });
  });

  it('promised, and not at its end - lost', () => {
    expect(fateOf(request(parked), [])).toMatchObject({ kind: 'lost' });
  });

  it('a 202 without a request id - lost: nothing was promised', () => {
    expect(fateOf(request({ answer: { status: 202, code: 'parked' } }), [])).toMatchObject({ kind: 'lost' });
  });

  it('nobody answered - lost, with the reason', () => {
    expect(fateOf(request({ unanswered: 'no connection' }), [])).toEqual({
      kind: 'lost',
      why: 'no connection',
    });
    expect(fateOf(request(), [])).toMatchObject({ kind: 'lost' });
  });
});

describe('what is known of a request', () => {
  it('answered by somebody, or by nobody', () => {
    expect(isAnswered(request())).toBe(false);
    for (const told of [answered, parked, { unanswered: 'no connection' }]) {
      expect(isAnswered(request(told))).toBe(true);
    }
  });

  it('open while it is promised and has no end', () => {
    expect(isOpen(request(answered))).toBe(false);
    expect(isOpen(request({ answer: { status: 503, code: 'dead' } }))).toBe(false);
    expect(isOpen(request(parked))).toBe(true);
    expect(isOpen(request({ ...parked, ...end('delivered') }))).toBe(false);
  });
});

describe('the tally', () => {
  const story: StoryResult = { name: 'ws-1', ok: true, why: 'all as it must be' };
  const facts = (changes: Partial<WorkspaceFacts> = {}): WorkspaceFacts => ({
    workspaceId: 'ws-1',
    requests: [],
    served: [],
    starts: 0,
    stops: 0,
    stoppedByDemo: 0,
    ...changes,
  });
  const summaryOf = (changes: Partial<WorkspaceFacts>) => tallyOf([facts(changes)], [story]).summary;

  it('counts each request by its end, and the parked ones besides', () => {
    const direct = request(answered, 'r-1');
    const later = request({ ...parked, ...end('delivered') }, 'r-2');
    const refused = request({ answer: { status: 503, code: 'agent-restarting' } }, 'r-3');
    const held = request({ ...parked, ...end('refused', 'dead') }, 'r-4');
    const lost = request(parked, 'r-5');
    const { summary, lost: names } = tallyOf(
      [
        facts({
          requests: [direct, later, refused, held, lost],
          served: [servedBy(direct), servedBy(later)],
        }),
      ],
      [story],
    );
    expect(summary).toEqual({
      sent: 5,
      delivered: 2,
      parked: 3,
      refused: 2,
      lost: 1,
      restartsJustified: 0,
      restartsUnjustified: 0,
      stories: [story],
    });
    expect(names).toEqual([{ id: 'r-5', why: 'promised, and not at its end when the run ended' }]);
  });

  it('adds up the workspaces', () => {
    const one = request(answered, 'r-1');
    const other = { ...request(answered, 'r-2'), workspaceId: 'ws-2' };
    const tally = tallyOf(
      [
        facts({ requests: [one], served: [servedBy(one)] }),
        facts({ workspaceId: 'ws-2', requests: [other], served: [servedBy(other)], starts: 1 }),
      ],
      [story],
    );
    expect(tally.summary).toMatchObject({ sent: 2, delivered: 2, restartsUnjustified: 1 });
    expect(tally.workspaces.map(({ sent }) => sent)).toEqual([1, 1]);
  });

  it.each([
    [
      { starts: 1, stoppedByDemo: 1 },
      { restartsJustified: 1, restartsUnjustified: 0 },
    ],
    [
      { starts: 1, stoppedByDemo: 0 },
      { restartsJustified: 0, restartsUnjustified: 1 },
    ],
    [
      { starts: 2, stoppedByDemo: 1 },
      { restartsJustified: 1, restartsUnjustified: 1 },
    ],
    [
      { starts: 1, stops: 1, stoppedByDemo: 1 },
      { restartsJustified: 1, restartsUnjustified: 1 },
    ],
    [
      { starts: 0, stoppedByDemo: 1 },
      { restartsJustified: 0, restartsUnjustified: 0 },
    ],
  ])('%o - %o', (power, expected) => {
    expect(summaryOf(power)).toMatchObject(expected);
  });

  it('is good only when nothing is lost, nobody living was restarted and every story is ok', () => {
    const { summary } = tallyOf([facts()], [story]);
    expect(isGood(summary)).toBe(true);
    expect(isGood({ ...summary, lost: 1 })).toBe(false);
    expect(isGood({ ...summary, restartsUnjustified: 1 })).toBe(false);
    expect(isGood({ ...summary, stories: [story, { ...story, ok: false }] })).toBe(false);
    expect(isGood({ ...summary, stories: [] })).toBe(false);
  });
});
