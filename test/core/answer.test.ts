import { describe, expect, it } from 'vitest';
import {
  answerJudged,
  codeStatus,
  json,
  problem,
  verdictLocation,
  type Code,
  type Judged,
} from '../../core/answer.ts';
import { InvariantViolation } from '../../core/invariant.ts';
import { reasonMeaning, type Verdict } from '../../core/verdict.ts';
import { NOW_MS } from './builders.ts';

const parked = { requestId: 'request-1', position: 3, expiresAtMs: NOW_MS };

function answered(overrides: Partial<Judged>) {
  return answerJudged({
    workspaceId: 'ws-1',
    verdictId: 'verdict-1',
    verdict: 'busy',
    reason: 'settling',
    errorClass: 'agent-restarting',
    ...overrides,
  });
}

interface Row {
  readonly outcome: string;
  readonly judged: Partial<Judged>;
  readonly status: number;
  readonly code: string;
  readonly retryAfter: number | undefined;
  readonly more?: Record<string, unknown>;
}
type Cells = readonly [
  outcome: string,
  judged: Partial<Judged>,
  status: number,
  code: string,
  retryAfter: number | undefined,
  more?: Record<string, unknown>,
];

/** The table of the architecture, section 4, row by row; with and without a request that could be parked. */
const table: readonly Cells[] = [
  ['dead', { verdict: 'dead', reason: 'stopped' }, 503, 'dead', 10, { restarting: true }],
  ['dead by silence', { verdict: 'dead', reason: 'silent' }, 503, 'dead', 10, { restarting: true }],
  ['dead, parked', { verdict: 'dead', reason: 'stopped', parked }, 202, 'parked', 10, { restarting: true }],
  ['terminated', { verdict: 'dead', reason: 'terminated' }, 503, 'gone', undefined, { restarting: false }],
  [
    'terminated, parked',
    { verdict: 'dead', reason: 'terminated', parked },
    503,
    'gone',
    undefined,
    { restarting: false },
  ],
  ['busy', { verdict: 'busy' }, 503, 'busy', 5],
  ['busy, parked', { verdict: 'busy', parked }, 202, 'parked', 5],
  ['paused', { reason: 'paused', refusedWhilePaused: true }, 409, 'paused', undefined],
  [
    'paused, whatever was parked',
    { reason: 'paused', refusedWhilePaused: true, parked },
    409,
    'paused',
    undefined,
  ],
  ['paused, parked by the policy', { reason: 'paused', refusedWhilePaused: false, parked }, 202, 'parked', 5],
  ['pending', { verdict: 'pending', reason: 'suspect' }, 503, 'busy', 2],
  ['pending, parked', { verdict: 'pending', reason: 'suspect', parked }, 202, 'pending', 2],
  ['alive, deadline', alive('upstream-busy'), 503, 'busy', 5],
  ['alive, deadline, parked', { ...alive('upstream-busy'), parked }, 202, 'upstream-busy', 5],
  ['alive, refused', alive('agent-restarting'), 503, 'agent-restarting', 5],
  [
    'alive, refused, whatever was parked',
    { ...alive('agent-restarting'), parked },
    503,
    'agent-restarting',
    5,
  ],
  ['alive, no route', alive('unreachable'), 502, 'unreachable', undefined],
  [
    'alive, no route, whatever was parked',
    { ...alive('unreachable'), parked },
    502,
    'unreachable',
    undefined,
  ],
  [
    'alive, dead origin',
    { ...alive('upstream-error'), upstreamStatus: 504 },
    502,
    'upstream-error',
    undefined,
    { upstreamStatus: 504 },
  ],
  ['busy, dead origin', { verdict: 'busy', errorClass: 'upstream-error', parked }, 202, 'parked', 5],
  [
    'dead, dead origin',
    { verdict: 'dead', reason: 'stopped', errorClass: 'upstream-error' },
    503,
    'dead',
    10,
  ],
];

const rows: readonly Row[] = table.map(([outcome, judged, status, code, retryAfter, more]) => ({
  outcome,
  judged,
  status,
  code,
  retryAfter,
  ...(more && { more }),
}));

function alive(errorClass: Judged['errorClass']): Partial<Judged> {
  return { verdict: 'alive', reason: 'running', errorClass };
}

describe('the answer to a forward error', () => {
  it.each(rows)('$outcome', ({ judged, status, code, retryAfter, more = {} }) => {
    const answer = answered(judged);
    expect(answer.status).toBe(status);
    expect(answer.headers['retry-after']).toBe(retryAfter === undefined ? undefined : String(retryAfter));
    expect(answer.body).toMatchObject({ code, ...more });
    expect(answer.body?.['retryAfterSeconds']).toBe(retryAfter);
    expect(answer.headers['content-type']).toBe(
      status === 202 ? 'application/json' : 'application/problem+json',
    );
  });

  it.each(rows)('$outcome - says verdict, reason, code and verdictId', ({ judged }) => {
    const { verdict, reason } = { verdict: 'busy', reason: 'settling', ...judged };
    expect(answered(judged).body).toMatchObject({ verdict, reason, verdictId: 'verdict-1' });
  });

  it.each(rows.filter(({ status }) => status === 202))(
    '$outcome - says where the request stands and how long',
    ({ judged }) => {
      const { body, headers } = answered(judged);
      expect(body).toMatchObject({
        requestId: 'request-1',
        position: 3,
        expiresAt: '2026-11-24T12:00:00.000Z',
      });
      const isPending = judged.verdict === 'pending';
      expect(headers['location']).toBe(
        isPending ? '/workspaces/ws-1/verdicts/verdict-1' : '/requests/request-1',
      );
    },
  );

  it.each(rows.filter(({ status }) => status !== 202))(
    '$outcome - a problem, whose text is that of its reason',
    ({ judged, status }) => {
      const { body, headers } = answered(judged);
      const reason = judged.reason ?? 'settling';
      expect(body).toMatchObject({ status, detail: reasonMeaning[reason] });
      expect(body).not.toHaveProperty('requestId');
      expect(headers['location']).toBe('/workspaces/ws-1/verdicts/verdict-1');
    },
  );

  it('nothing but dead ever says that it restarts', () => {
    const others = rows.filter(({ judged }) => judged.verdict !== 'dead');
    for (const { judged } of others) expect(answered(judged).body).not.toHaveProperty('restarting');
  });

  it('a verdict or an error class that nobody knows - a bug, loudly', () => {
    expect(() => answered({ verdict: 'zombie' as Verdict })).toThrow(InvariantViolation);
    expect(() => answered(alive('gremlins' as Judged['errorClass']))).toThrow(InvariantViolation);
  });
});

describe('where a verdict may be read', () => {
  it('an id with characters of its own - escaped', () => {
    expect(verdictLocation('a/b c', 'verdict-1')).toBe('/workspaces/a%2Fb%20c/verdicts/verdict-1');
  });
});

describe('a problem', () => {
  it('is problem+json with type, title, status, code and detail (RFC 9457)', () => {
    expect(problem('invalid-input', 'seq is missing')).toEqual({
      status: 400,
      headers: { 'content-type': 'application/problem+json' },
      body: {
        type: 'urn:defib:problem:invalid-input',
        title: 'Invalid input',
        status: 400,
        code: 'invalid-input',
        detail: 'seq is missing',
      },
    });
  });

  it('with more to say - says it, and Retry-After as a header too', () => {
    const { headers, body } = problem('busy', 'later', { retryAfterSeconds: 7, field: 'x' });
    expect(headers).toEqual({ 'content-type': 'application/problem+json', 'retry-after': '7' });
    expect(body).toMatchObject({ retryAfterSeconds: 7, field: 'x' });
  });

  it.each(Object.entries(codeStatus))('%s - %i, in an error class', (code, status) => {
    const answer = problem(code as Code, 'x');
    expect(answer.status).toBe(status);
    expect(status >= 400 && status < 600).toBe(true);
    expect(answer.body?.['title']).toMatch(/^[A-Z][a-z0-9 ]+$/);
  });

  it('the statuses of the contract', () => {
    const contract: Record<string, number> = {
      'invalid-input': 400,
      forbidden: 403,
      'wrong-instance': 403,
      'unknown-workspace': 404,
      'unknown-request': 404,
      'no-route': 404,
      conflict: 409,
      'idempotency-conflict': 409,
      paused: 409,
      settling: 409,
      restarting: 409,
      'too-large': 413,
      'parked-full': 429,
      unreachable: 502,
      'upstream-error': 502,
      dead: 503,
      gone: 503,
      busy: 503,
      'agent-restarting': 503,
      'parking-failed': 503,
      'ec2-unavailable': 503,
    };
    expect(codeStatus).toMatchObject(contract);
  });
});

describe('a plain answer', () => {
  it('is JSON, with headers of its own', () => {
    expect(json(201, { a: 1 }, { location: '/x' })).toEqual({
      status: 201,
      headers: { 'content-type': 'application/json', location: '/x' },
      body: { a: 1 },
    });
    expect(json(200, {}).headers).toEqual({ 'content-type': 'application/json' });
  });
});
