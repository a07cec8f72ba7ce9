/** Names a failed forward in the words of the HTTP contract, from what the socket said and nothing else. */
import { deadOriginStatuses, type ErrorKind, type ForwardError } from '../core/forward-error.ts';

/** What Node tells of a failed HTTP exchange. */
export interface SocketError {
  readonly name?: string;
  readonly code?: string;
  readonly syscall?: string;
}

const kindOfCode: Readonly<Record<string, ErrorKind>> = {
  ECONNREFUSED: 'refused',
  EPIPE: 'reset',
  // The system gave up waiting for an answer to the connect, or to what was sent.
  ETIMEDOUT: 'deadline',
  ABORT_ERR: 'deadline',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EPROTO: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
};

/** The kind of a transport failure. What nobody has named is `unreachable`: the kind that claims least. */
export function kindOfSocketError(error: SocketError): ErrorKind {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'deadline';
  const code = error.code ?? '';
  // Node uses one code for two events: the peer's reset comes from a system call, an early end of the answer does not.
  if (code === 'ECONNRESET') return error.syscall === undefined ? 'eof' : 'reset';
  if (code.startsWith('ERR_TLS_') || code.startsWith('CERT_') || code.startsWith('ERR_SSL_')) return 'tls';
  // An answer that is no HTTP, or that broke off in the middle.
  if (code.startsWith('HPE_')) return 'eof';
  return kindOfCode[code] ?? 'unreachable';
}

/** The failure that an answered status stands for, or undefined when it is the agent's own answer. */
export function failureOfStatus(status: number): ForwardError | undefined {
  return deadOriginStatuses.some((dead) => dead === status) ? { kind: 'upstream', status } : undefined;
}
