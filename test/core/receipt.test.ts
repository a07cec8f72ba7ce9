import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../core/facts.ts';
import { judge } from '../../core/judge.ts';
import {
  explain,
  isFinal,
  openReceipt,
  RECEIPT_LIFE_MS,
  verdictOf,
  withLook,
  type Look,
  type Receipt,
} from '../../core/receipt.ts';
import { calls, reasonMeaning, type Call, type Judgement, type Verdict } from '../../core/verdict.ts';
import { nearlyDeadlyFacts } from './arbitrary.ts';
import { at, deadlyFacts, deepFrozen, facts, notMade, NOW_MS, policy } from './builders.ts';
import { runs } from './runs.ts';

const lookAt = (some: Facts): Look => ({ facts: some, judgement: judge(some, policy) });
const about = {
  verdictId: 'verdict-1',
  workspaceId: 'ws-1',
  errorKind: 'refused',
  askedBy: 'role/proxy',
  policy,
  policyVersion: 'v1',
} as const;
/** A look for each number, told apart by its time. */
const numbered = (number: number): Look => lookAt(facts(undefined, { now: at(NOW_MS, NOW_MS + number) }));

describe('the verdict that a judgement stands for', () => {
  const expected: Record<Call, Verdict> = {
    'unknown-workspace': 'busy',
    probe: 'busy',
    'probe-queued': 'pending',
    suspect: 'pending',
    alive: 'alive',
    busy: 'busy',
    dead: 'dead',
  };
  it.each(calls)('%s', (call) => {
    expect(verdictOf({ call } as Judgement)).toBe(expected[call]);
  });
});

describe('a receipt', () => {
  it('of a first look - all that was known and said, and when', () => {
    const look = numbered(7);
    expect(openReceipt({ ...about, requestId: 'request-1' }, deepFrozen(look))).toEqual({
      ...about,
      requestId: 'request-1',
      verdict: 'pending',
      reason: 'suspect',
      rule: '9-first-sighting',
      flip: look.judgement.flip,
      atMs: NOW_MS + 7,
      openedAtMs: NOW_MS + 7,
      looks: [look],
    });
  });

  it('with one more look - goes by the latest, and remembers when it was opened', () => {
    const second = lookAt(deadlyFacts({ now: at(NOW_MS + 9) }));
    const receipt = withLook(deepFrozen(openReceipt(about, numbered(0))), second, 'dead');
    expect(receipt).toMatchObject({
      verdict: 'dead',
      reason: 'stopped',
      rule: '11-dead',
      atMs: NOW_MS + 9,
      openedAtMs: NOW_MS,
    });
    expect(receipt.looks).toEqual([numbered(0), second]);
    expect(receipt.flip).toEqual(second.judgement.flip);
  });

  it('with more looks than it keeps - the first and the latest seven', () => {
    let receipt: Receipt = openReceipt(about, numbered(0));
    for (let number = 1; number <= 20; number++) {
      receipt = withLook(receipt, numbered(number), 'pending');
      const kept = receipt.looks.map(({ facts: seen }) => seen.now.latestMs - NOW_MS);
      const latest = Array.from(
        { length: Math.min(number, 7) },
        (_, index) => number - Math.min(number, 7) + 1 + index,
      );
      expect(kept).toEqual([0, ...latest]);
    }
  });

  it('replayed, every look of it - the judge says the same again, from what JSON has kept (S36)', () => {
    fc.assert(
      fc.property(fc.array(nearlyDeadlyFacts, { minLength: 1, maxLength: 12 }), ([first, ...more]) => {
        if (!first) return;
        let receipt = openReceipt(about, lookAt(first));
        for (const some of more) receipt = withLook(receipt, lookAt(some), 'pending');
        const stored = JSON.parse(JSON.stringify(receipt)) as Receipt;
        for (const look of stored.looks) expect(judge(look.facts, stored.policy)).toEqual(look.judgement);
      }),
      runs(500),
    );
  });

  it('is kept for thirty days', () => {
    expect(RECEIPT_LIFE_MS).toBe(2_592_000_000);
  });
});

describe('whether a verdict stands', () => {
  it.each([
    ['alive', undefined, true],
    ['busy', undefined, true],
    ['dead', undefined, true],
    ['pending', undefined, false],
    ['dead', 'dead', false],
    ['pending', 'dead', false],
  ] as const)(
    '%s, intent %s - %s: dead by intent is final only with the claim',
    (verdict, intent, stands) => {
      expect(isFinal({ verdict, ...(intent && { intent }) })).toBe(stands);
    },
  );
});

describe('the words for people', () => {
  it('every reason has one sentence', () => {
    for (const [reason, meaning] of Object.entries(reasonMeaning)) {
      expect(explain(reason as keyof typeof reasonMeaning)).toBe(meaning);
      expect(meaning).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('what the judge says without a probe is told apart from what it says with one', () => {
    expect(lookAt(facts(undefined, { probe: notMade })).judgement).toEqual({
      call: 'probe',
      rule: '4b-look',
      reason: 'suspect',
      flip: [],
    });
  });
});
