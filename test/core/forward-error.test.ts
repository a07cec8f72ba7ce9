import { describe, expect, it } from 'vitest';
import {
  deadOriginStatuses,
  errorClassOf,
  errorKinds,
  mayHaveArrived,
  meansNobodyListens,
  type ErrorKind,
} from '../../core/forward-error.ts';
import { InvariantViolation } from '../../core/invariant.ts';

/** What each kind of failure means: its class on an alive verdict, whether a copy may have arrived, whether nobody listens. */
const meaning: Record<ErrorKind, readonly [string, boolean, boolean]> = {
  refused: ['agent-restarting', false, true],
  reset: ['agent-restarting', true, true],
  eof: ['agent-restarting', true, true],
  deadline: ['upstream-busy', true, false],
  dns: ['unreachable', false, false],
  tls: ['unreachable', false, false],
  unreachable: ['unreachable', false, false],
  upstream: ['upstream-error', true, false],
};

describe.each(errorKinds)('a forward that failed by %s', (kind) => {
  const [errorClass, arrived, nobody] = meaning[kind];
  it(`is answered as ${errorClass}`, () => expect(errorClassOf(kind)).toBe(errorClass));
  it(arrived ? 'may have arrived' : 'has not arrived', () => expect(mayHaveArrived(kind)).toBe(arrived));
  it(nobody ? 'shows that nobody listens' : 'says nothing of who listens', () =>
    expect(meansNobodyListens(kind)).toBe(nobody),
  );
});

describe('the words of the contract', () => {
  it('dead-origin statuses are those of the gateways, and no answer of an agent', () => {
    expect([...deadOriginStatuses]).toEqual([502, 503, 504, 521, 522, 523, 524]);
  });

  it('a kind that nobody knows - a bug, loudly', () => {
    expect(() => errorClassOf('gremlins' as ErrorKind)).toThrow(InvariantViolation);
    expect(() => errorClassOf('gremlins' as ErrorKind)).toThrow('Unhandled case: "gremlins"');
  });
});
