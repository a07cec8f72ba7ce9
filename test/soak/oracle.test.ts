import { describe, expect, it } from 'vitest';
import { answerTo, violationsIn } from '../../soak/oracle.ts';
import type { Accounts, Arrival, LedgerEntry, SentRequest, Sighting } from '../../soak/records.ts';

const promise = (requestId: string) => ({ status: 202, code: 'parked', requestId, atMs: 1000 });
const aRequest = (no: number, more: Partial<SentRequest> = {}): SentRequest => ({
  id: `key-${no}`,
  workspaceId: 'ws',
  seq: no,
  sha256: `bytes-${no}`,
  answers: [promise(`R${no}`)],
  failures: [],
  ...more,
});
const anArrival = (no: number, more: Partial<Arrival> = {}): Arrival => ({
  workspaceId: 'ws',
  key: `key-${no}`,
  requestId: `R${no}`,
  attempt: 1,
  ambiguous: false,
  sha256: `bytes-${no}`,
  atMs: 2000 + no,
  bootId: 'boot',
  answered: 200,
  meant: 'well',
  ...more,
});
const anEntry = (no: number, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  requestId: `R${no}`,
  workspaceId: 'ws',
  state: 'delivered',
  attempts: 1,
  expiresAtMs: 100_000,
  response: { status: 200, body: Buffer.from(answerTo(`key-${no}`, `bytes-${no}`)).toString('base64') },
  ...more,
});
const withoutResponse = (no: number, more: Partial<LedgerEntry>): LedgerEntry => {
  const { response: _, ...entry } = anEntry(no, more);
  return entry;
};

/** Two requests that were delivered, and nothing amiss. */
function good(more: Partial<Accounts> = {}): Accounts {
  const ledger = more.ledger ?? new Map([1, 2].map((no) => [`R${no}`, anEntry(no)]));
  return {
    sent: [aRequest(1), aRequest(2)],
    arrivals: [anArrival(1), anArrival(2)],
    sightings: new Map(),
    leftOvers: [
      {
        workspaceId: 'ws',
        count: 0,
        bytes: 0,
        parked: 0,
        waiting: [],
        ended: [...ledger.values()].map(({ requestId, state }) => ({ requestId, state })),
      },
    ],
    queue: { messages: 0, newDeadLetters: 0 },
    ...more,
    ledger,
  };
}

const ledgerWith = (second: LedgerEntry) =>
  new Map([
    ['R1', anEntry(1)],
    ['R2', second],
  ]);
const rules = (accounts: Accounts) => violationsIn(accounts).map(({ rule }) => rule);
const seen = (...states: string[]) =>
  new Map<string, Sighting[]>([['R2', states.map((state) => ({ state, atMs: 3000 }))]]);
const cancelled = { status: 200, atMs: 4000 };

describe('the oracle is content', () => {
  it.each<[string, Accounts]>([
    ['with two requests that were delivered in order', good()],
    [
      'with a second copy that says that it is one',
      good({
        arrivals: [
          anArrival(1),
          anArrival(2, { answered: 500 }),
          anArrival(2, { attempt: 2, ambiguous: true }),
        ],
        ledger: ledgerWith(anEntry(2, { attempts: 2 })),
      }),
    ],
    [
      'with a copy that does not say so, after one that was not taken',
      good({
        arrivals: [anArrival(1), anArrival(2, { answered: 429 }), anArrival(2, { attempt: 2 })],
        ledger: ledgerWith(anEntry(2, { attempts: 2 })),
      }),
    ],
    [
      'with a request that was given up after its failures',
      good({
        arrivals: [anArrival(1), anArrival(2, { answered: 500 })],
        ledger: ledgerWith(withoutResponse(2, { state: 'dead-lettered', why: 'gave-up-status-500' })),
      }),
    ],
    [
      'with a request that was refused and never arrived',
      good({
        sent: [aRequest(1), aRequest(2), aRequest(3, { answers: [{ status: 503, code: 'dead', atMs: 1 }] })],
      }),
    ],
    [
      'with a request that arrived though only its failed parking was told: its end may have been lost',
      good({
        sent: [
          aRequest(1),
          aRequest(2),
          aRequest(3, { answers: [{ status: 503, code: 'parking-failed', atMs: 1 }] }),
        ],
        arrivals: [anArrival(1), anArrival(2), anArrival(3)],
      }),
    ],
  ])('%s', (_what, accounts) => {
    expect(violationsIn(accounts)).toEqual([]);
  });
});

describe('the oracle objects', () => {
  it.each<[string, string, Partial<Accounts>]>([
    ['lost', 'to a promised request that the API does not know', { ledger: new Map([['R1', anEntry(1)]]) }],
    ['lost', 'to one that still waits', { ledger: ledgerWith(withoutResponse(2, { state: 'parked' })) }],
    [
      'lost',
      'to one whose body was lost',
      { ledger: ledgerWith(withoutResponse(2, { state: 'dead-lettered', why: 'body-lost' })) },
    ],
    ['lost', 'to a delivery that its agent knows nothing of', { arrivals: [anArrival(1)] }],
    [
      'lost',
      'to a delivery that its agent answered with 500 only',
      { arrivals: [anArrival(1), anArrival(2, { answered: 500 })] },
    ],
    [
      'response',
      "to a kept response that is not the agent's",
      { ledger: ledgerWith(anEntry(2, { response: { status: 200, body: 'b3RoZXI=' } })) },
    ],
    ['final-state-changed', 'to a final state that changes', { sightings: seen('expired', 'delivered') }],
    ['final-state-changed', 'to a final state that is left', { sightings: seen('delivered', 'parked') }],
    [
      'unknown-key',
      'to a request that nobody sent',
      { arrivals: [anArrival(1), anArrival(2), anArrival(9)] },
    ],
    [
      'wrong-workspace',
      'to a request at the wrong workspace',
      { arrivals: [anArrival(1), anArrival(2, { workspaceId: 'other' })] },
    ],
    ['other-bytes', 'to other bytes', { arrivals: [anArrival(1), anArrival(2, { sha256: 'other' })] }],
    [
      'refused-yet-delivered',
      'to a request that was refused and arrived',
      {
        sent: [aRequest(1), aRequest(2), aRequest(3, { answers: [{ status: 503, code: 'dead', atMs: 1 }] })],
        arrivals: [anArrival(1), anArrival(2), anArrival(3)],
      },
    ],
    [
      'second-request',
      'to one request that arrives as two',
      { arrivals: [anArrival(1), anArrival(2), anArrival(2, { requestId: 'R9' })] },
    ],
    [
      'after-its-end',
      'to a copy after the end was seen',
      { sightings: seen('delivered'), arrivals: [anArrival(1), anArrival(2, { atMs: 9000 })] },
    ],
    [
      'after-its-end',
      'to a copy after the cancellation',
      {
        sent: [aRequest(1), aRequest(2, { cancelled })],
        arrivals: [anArrival(1), anArrival(2, { atMs: 9000 })],
        ledger: ledgerWith(withoutResponse(2, { state: 'cancelled' })),
      },
    ],
    [
      'after-expiry',
      'to a copy after the time to live',
      { arrivals: [anArrival(1), anArrival(2, { atMs: 200_000 })] },
    ],
    [
      'unmarked-duplicate',
      'to a second copy that does not say so',
      {
        arrivals: [anArrival(1), anArrival(2), anArrival(2, { attempt: 2 })],
        ledger: ledgerWith(anEntry(2, { attempts: 2 })),
      },
    ],
    [
      'unmarked-duplicate',
      'to a copy that does not say so, after one that was not taken and one that may have been',
      {
        arrivals: [
          anArrival(1),
          anArrival(2, { answered: 429 }),
          anArrival(2, { attempt: 2, answered: 503 }),
          anArrival(2, { attempt: 3 }),
        ],
        ledger: ledgerWith(anEntry(2, { attempts: 3 })),
      },
    ],
    [
      'attempt-repeated',
      'to the same attempt made twice',
      { arrivals: [anArrival(1), anArrival(2), anArrival(2, { ambiguous: true })] },
    ],
    [
      'other-key',
      'to a second copy under another key',
      {
        arrivals: [
          anArrival(1),
          anArrival(2),
          anArrival(1, { requestId: 'R2', attempt: 2, ambiguous: true }),
        ],
        ledger: ledgerWith(anEntry(2, { attempts: 2 })),
      },
    ],
    ['order', 'to first arrivals out of order', { arrivals: [anArrival(2), anArrival(1)] }],
    [
      'two-promises',
      'to one id that was promised twice',
      { sent: [aRequest(1), aRequest(2, { answers: [promise('R2'), promise('R7')] })] },
    ],
    [
      'uncounted-attempt',
      'to an attempt that the ledger has not counted',
      { arrivals: [anArrival(1), anArrival(2, { attempt: 2 })] },
    ],
    [
      'cancel',
      'to a confirmed cancellation that was delivered',
      { sent: [aRequest(1), aRequest(2, { cancelled })] },
    ],
    [
      'refusal',
      'to a refusal that the agent never spoke',
      { ledger: ledgerWith(withoutResponse(2, { state: 'refused', why: 'status-404' })) },
    ],
    ['left-behind', 'to a message in the queue', { queue: { messages: 1, newDeadLetters: 0 } }],
    ['left-behind', 'to a dead-lettered message', { queue: { messages: 0, newDeadLetters: 1 } }],
    [
      'counters',
      'to a count that is left',
      {
        leftOvers: [
          {
            workspaceId: 'ws',
            count: 1,
            bytes: 0,
            parked: 0,
            waiting: [],
            ended: good().leftOvers[0]?.ended ?? [],
          },
        ],
      },
    ],
    [
      'list',
      'to a request that the lists have not',
      { leftOvers: [{ workspaceId: 'ws', count: 0, bytes: 0, parked: 0, waiting: [], ended: [] }] },
    ],
  ])('%s: %s', (rule, _what, more) => {
    expect(rules(good(more))).toContain(rule);
  });
});
