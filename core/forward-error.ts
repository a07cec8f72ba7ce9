import { assertNever } from './invariant.ts';

/** How a proxy's attempt failed, in the words of the HTTP contract. */
export const errorKinds = [
  'refused',
  'reset',
  'eof',
  'deadline',
  'dns',
  'tls',
  'unreachable',
  'upstream',
] as const;
export type ErrorKind = (typeof errorKinds)[number];

/** Statuses by which a gateway says that its origin is dead; any other upstream status is the agent's own answer. */
export const deadOriginStatuses = [502, 503, 504, 521, 522, 523, 524] as const;

export interface ForwardError {
  readonly kind: ErrorKind;
  /** For `upstream`: the dead-origin status. */
  readonly status?: number;
  /** The instance that was tried, when the proxy knows. */
  readonly instanceId?: string;
}

/** What a failure means when the instance turns out to run. */
export type ErrorClass = 'agent-restarting' | 'upstream-busy' | 'unreachable' | 'upstream-error';

/** The class of an error kind: it decides the answer on an alive verdict, and nothing else. */
export function errorClassOf(kind: ErrorKind): ErrorClass {
  switch (kind) {
    case 'refused':
    case 'reset':
    case 'eof':
      return 'agent-restarting';
    case 'deadline':
      return 'upstream-busy';
    case 'dns':
    case 'tls':
    case 'unreachable':
      return 'unreachable';
    case 'upstream':
      return 'upstream-error';
    default:
      return assertNever(kind);
  }
}

/** Whether the failure shows that no agent listens: the connection was refused, or broken off. None shows nothing. */
export function meansNobodyListens(kind: ErrorKind | undefined): boolean {
  return kind === 'refused' || kind === 'reset' || kind === 'eof';
}

/** Whether an earlier copy of the request may have reached the agent: after a deadline or a broken answer it may. */
export function mayHaveArrived(kind: ErrorKind): boolean {
  return kind === 'deadline' || kind === 'reset' || kind === 'eof' || kind === 'upstream';
}
