import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openReceipt } from '../../core/receipt.ts';
import {
  markOf,
  mergedTimeline,
  orderEntry,
  requestEntry,
  restartEntry,
  verdictEntry,
  type TimelineEntry,
} from '../../core/timeline.ts';
import { aRequest, facts, NOW_MS, policy } from './builders.ts';

const AT = '2026-11-24T12:00:00.000Z';
const entry = (id: string, kind: TimelineEntry['kind'] = 'verdict'): TimelineEntry => ({ id, kind, at: AT });
const idsOf = (page: { readonly entries: readonly TimelineEntry[] }) => page.entries.map(markOf);

describe('one page of a story', () => {
  it('parts of three kinds - one row, newest first', () => {
    const page = mergedTimeline(
      [[entry('5'), entry('2')], [entry('4', 'restart')], [entry('3', 'request')]],
      9,
    );
    expect(idsOf(page)).toEqual(['5.1', '4.2', '3.0', '2.1']);
    expect(page).not.toHaveProperty('before');
  });

  it('a restart and the verdict whose id it bears - the restart is the newer one', () => {
    const page = mergedTimeline([[entry('5')], [entry('5', 'restart')], [entry('5', 'request')]], 9);
    expect(page.entries.map(({ kind }) => kind)).toEqual(['restart', 'verdict', 'request']);
  });

  it('a restart and the order whose id it bears - the restart is the newer one', () => {
    const page = mergedTimeline([[entry('5', 'order')], [entry('5', 'restart')]], 9);
    expect(page.entries.map(({ kind }) => kind)).toEqual(['restart', 'order']);
  });

  it('exactly as many as the limit - no next page; one more - a mark for the next one', () => {
    const three = [entry('3'), entry('2'), entry('1')];
    expect(mergedTimeline([three], 3)).not.toHaveProperty('before');
    expect(mergedTimeline([three], 2)).toEqual({ entries: [entry('3'), entry('2')], before: '2.1' });
  });

  it('a mark between a restart and its verdict - goes on with the verdict', () => {
    const parts = [[entry('5')], [entry('5', 'restart')]];
    const first = mergedTimeline(parts, 1);
    expect(first).toMatchObject({ before: '5.2' });
    expect(idsOf(mergedTimeline(parts, 1, first.before))).toEqual(['5.1']);
  });

  it('nothing - an empty page', () => {
    expect(mergedTimeline([], 5)).toEqual({ entries: [] });
  });
});

describe('a story read page by page', () => {
  const ids = fc.uniqueArray(fc.integer({ min: 10, max: 60 }).map(String), { maxLength: 20 });

  it('any story, any size of page - each entry exactly once, newest first, though each part gives only a page', () => {
    fc.assert(
      fc.property(ids, ids, ids, fc.integer({ min: 1, max: 7 }), (verdicts, restarts, requests, limit) => {
        const parts = [
          verdicts.map((id) => entry(id)),
          restarts.map((id) => entry(id, 'restart')),
          requests.map((id) => entry(id, 'request')),
        ];
        const read: string[] = [];
        let before: string | undefined;
        let pages = 0;
        do {
          const [upToId = '~'] = (before ?? '~').split('.');
          // As the table gives them: the newest up to the mark's id, no more than two above the page.
          const newest = parts.map((part) =>
            part
              .filter(({ id }) => id <= upToId)
              .toSorted((one, other) => (one.id < other.id ? 1 : -1))
              .slice(0, limit + 2),
          );
          const page = mergedTimeline(newest, limit, before);
          read.push(...idsOf(page));
          before = page.before;
          pages += 1;
        } while (before !== undefined && pages < 100);
        const all = parts.flat().map(markOf).toSorted().toReversed();
        expect(read).toEqual(all);
        expect(pages).toBe(Math.max(1, Math.ceil(all.length / limit)));
      }),
    );
  });
});

describe('the entries of a story', () => {
  const receipt = openReceipt(
    {
      verdictId: 'verdict-1',
      workspaceId: 'ws-1',
      errorKind: 'refused',
      askedBy: 'role/proxy',
      policy,
      policyVersion: 'p',
    },
    {
      facts: facts(),
      judgement: { call: 'suspect', reason: 'suspect', rule: '10-not-yet', flip: [] },
    },
  );

  it('a verdict - with reason, rule and who asked; pending until it is final, though it be dead by intent', () => {
    expect(verdictEntry(receipt)).toEqual({
      id: 'verdict-1',
      kind: 'verdict',
      at: AT,
      verdict: 'pending',
      reason: 'suspect',
      rule: '10-not-yet',
      askedBy: 'role/proxy',
    });
    expect(verdictEntry({ ...receipt, verdict: 'dead', intent: 'dead' })).toMatchObject({
      verdict: 'pending',
    });
    expect(verdictEntry({ ...receipt, verdict: 'dead' })).toMatchObject({ verdict: 'dead' });
  });

  it('an order - what it was, who gave it, and why', () => {
    const told = { what: 'restart', by: 'role/operator', reason: 'it hangs' };
    expect(orderEntry({ orderId: 'order-1', atMs: NOW_MS, ...told })).toEqual({
      id: 'order-1',
      kind: 'order',
      at: AT,
      ...told,
    });
  });

  it('a restart - since when, until when, how it ended and why', () => {
    const record = {
      token: 'verdict-1',
      reason: 'stopped',
      sinceMs: NOW_MS,
      endedAtMs: NOW_MS + 60_000,
      outcome: 'done',
      because: 'beat',
      label: 'justified',
    };
    const { token: _token, sinceMs: _sinceMs, endedAtMs: _endedAtMs, ...told } = record;
    expect(restartEntry(record)).toEqual({
      id: 'verdict-1',
      kind: 'restart',
      at: AT,
      endedAt: '2026-11-24T12:01:00.000Z',
      ...told,
    });
  });

  it('a request - its state and attempts; why and when it ended only where there is such a thing, and never a body', () => {
    expect(requestEntry(aRequest({ acceptedAtMs: NOW_MS }))).toStrictEqual({
      id: 'request-1',
      kind: 'request',
      at: AT,
      state: 'parked',
      attempts: 0,
    });
    const ended = aRequest({ state: 'expired', why: 'expired', attempts: 2, finishedAtMs: NOW_MS });
    expect(requestEntry(ended)).toMatchObject({ state: 'expired', attempts: 2, why: 'expired', endedAt: AT });
  });
});
