/** HTTP to an agent: one request, no redirects, a deadline over the whole exchange, a bounded response. */
import http from 'node:http';
import https from 'node:https';
import { isIPv4 } from 'node:net';
import type { FailedBecause } from '../../core/attempt.ts';
import { LARGEST_RESPONSE_BYTES } from '../../core/parking.ts';
import type { AgentAnswer, AgentHttp, AgentRequest } from '../ports/agents.ts';
import { isExpectedPeer, PROOF_PATH, PROOF_TIMEOUT_MS } from './peer-proof.ts';

export function agentHttp(): AgentHttp {
  return {
    async send(request) {
      // A name would be looked up, and lead wherever its owner says by then. An address can't.
      if (!isIPv4(request.address)) return { kind: 'failed', because: 'unreachable' };
      const { Agent } = request.protocol === 'https' ? https : http;
      // A connection of its own: none is ever reused for an instance that was replaced meanwhile. Kept open only for
      // the request that follows the proof.
      const agent = new Agent({ keepAlive: request.proof !== undefined, maxSockets: 1 });
      try {
        if (request.proof === undefined) return await exchange(request, agent);
        const told = await exchange(proofRequestOf(request), agent);
        if (told.kind === 'failed') return { ...told, unsent: true };
        if (told.kind !== 'answered') return told;
        return isExpectedPeer(told.response, request.proof)
          ? await exchange(request, agent, { onlyReused: true })
          : { kind: 'stranger' };
      } finally {
        agent.destroy();
      }
    },
  };
}

function proofRequestOf(request: AgentRequest): AgentRequest {
  const timeoutMs = Math.min(PROOF_TIMEOUT_MS, request.timeoutMs);
  return { ...request, method: 'GET', path: PROOF_PATH, headers: {}, body: '', timeoutMs };
}

/** One request and its answer. `onlyReused`: only on the connection that is open already, else nothing is sent. */
function exchange(
  request: AgentRequest,
  agent: http.Agent,
  { onlyReused = false } = {},
): Promise<AgentAnswer> {
  return new Promise((resolve) => {
    const body = Buffer.from(request.body, 'base64');
    const outgoing = (request.protocol === 'https' ? https : http).request({
      host: request.address,
      port: request.port,
      method: request.method,
      path: request.path,
      headers: { ...request.headers, 'content-length': body.length },
      agent,
      signal: AbortSignal.timeout(request.timeoutMs),
    });
    let isConnected = false;
    let hasAnswerBegun = false;
    const fail = (error: unknown): void => {
      resolve({ kind: 'failed', because: becauseOf(error, { isConnected, hasAnswerBegun }) });
    };
    outgoing.on('response', (incoming) => {
      hasAnswerBegun = true;
      collect(incoming).then(resolve, fail);
    });
    outgoing.on('socket', (socket) => {
      isConnected = outgoing.reusedSocket;
      socket.once(request.protocol === 'https' ? 'secureConnect' : 'connect', () => {
        isConnected = true;
      });
      // Whoever proved itself has hung up; who answers at a new connection has proved nothing (S20).
      if (!onlyReused || outgoing.reusedSocket) return;
      resolve({ kind: 'stranger' });
      outgoing.destroy();
    });
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

/** Reads the response up to the kept size; the rest is read and dropped, so that the agent can finish. */
async function collect(incoming: http.IncomingMessage): Promise<AgentAnswer> {
  const chunks: Buffer[] = [];
  let kept = 0;
  let truncated = false;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    const room = LARGEST_RESPONSE_BYTES - kept;
    if (chunk.length > room) truncated = true;
    if (room > 0) chunks.push(chunk.subarray(0, room));
    kept += Math.min(chunk.length, room);
  }
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).flatMap(([name, value]) =>
      name === 'set-cookie' || value === undefined ? [] : [[name, String(value)]],
    ),
  );
  const response = {
    status: incoming.statusCode ?? 0,
    headers,
    body: Buffer.concat(chunks).toString('base64'),
    truncated,
  };
  return { kind: 'answered', response };
}

/** By what has happened, not by the error's name alone: once there is a connection, all may have been sent. */
function becauseOf(
  error: unknown,
  { isConnected, hasAnswerBegun }: { readonly isConnected: boolean; readonly hasAnswerBegun: boolean },
): FailedBecause {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError'))
    return 'deadline';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ABORT_ERR') return 'deadline';
  if (!isConnected)
    return code === 'ECONNREFUSED' ? 'refused' : code === 'ECONNRESET' ? 'reset' : 'unreachable';
  if (code === 'ECONNRESET') return hasAnswerBegun || isHangUp(error) ? 'eof' : 'reset';
  if (code === 'EPIPE') return 'reset';
  // The system gave up waiting for an answer to what was sent.
  return code === 'ETIMEDOUT' ? 'deadline' : 'broken';
}

function isHangUp(error: unknown): boolean {
  return error instanceof Error && error.message.includes('hang up');
}
