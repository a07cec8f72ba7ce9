/**
 * An agent that lives and dies with its workspace, in the soak's own process. It answers well, slowly, with 500, or
 * hangs up, as its chance will have it, and keeps a log of every request that reached it.
 */
import { createHash, randomUUID } from 'node:crypto';
import http from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ApiClient } from '../local/api-client.ts';
import type { Chance } from './chance.ts';
import { answerTo } from './oracle.ts';
import type { Arrival } from './records.ts';

/** How often an agent does what, by weight. */
const manners = {
  well: 76,
  slowly: 8,
  'too late': 1,
  'with 500': 6,
  'with 429': 2,
  'hangs up mid-body': 5,
  resets: 2,
} as const;
export type Manner = keyof typeof manners;

export interface AgentParts {
  readonly workspaceId: string;
  readonly port: number;
  readonly api: ApiClient;
  readonly beatSeconds: number;
  readonly chance: Chance;
  /** Longer than Defib waits for an answer. */
  readonly tooLateMs: number;
  /** Every arrival, as it begins. */
  readonly onArrival: (arrival: Arrival, socket: Socket, workMs: number) => void;
  /** A beat that may have made the workspace ready was taken; the time is of its sending. */
  readonly onReadyBeat: (why: ReadyBy, sentAtMs: number) => void;
}

/**
 * What makes a workspace ready: its agent is back after an announced change, or free after a long turn (this beat makes
 * it ready at once), or it is back after its instance was (Defib has still to end its claim).
 */
export type ReadyBy = 'the agent back' | 'a turn ended' | 'the instance back';

export class SoakAgent {
  readonly #parts: AgentParts;
  #server: http.Server | undefined;
  #bootId = '';
  #seq = 0;
  #activeTasks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  get isUp(): boolean {
    return this.#server !== undefined;
  }

  /** Boots: a new boot id, the port open, the first beat on its way. */
  async boot(after?: ReadyBy): Promise<void> {
    if (this.#server) return;
    const server = http.createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server = server;
    this.#bootId = randomUUID();
    this.#seq = 0;
    this.#activeTasks = 0;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#parts.port, '127.0.0.1', resolve);
    });
    void this.#beat(after);
    this.#timer = setInterval(() => void this.#beat(), this.#parts.beatSeconds * 1000);
  }

  /** Dies as by kill -9: connections are cut, the port is closed, no goodbye. */
  async die(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    clearInterval(this.#timer);
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { chance, workspaceId, onArrival, tooLateMs } = this.#parts;
    const boot = this.#bootId;
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const key = String(request.headers['idempotency-key'] ?? '');
    const sha256 = createHash('sha256').update(Buffer.concat(chunks)).digest('hex');
    const meant: Manner = chance.pick(manners);
    const workMs = { well: chance.between(5, 80), slowly: chance.between(1000, 3000), 'too late': tooLateMs };
    const takesMs = meant in workMs ? workMs[meant as keyof typeof workMs] : chance.between(5, 50);
    const arrival: Arrival = {
      workspaceId,
      key,
      requestId: String(request.headers['defib-request-id'] ?? ''),
      attempt: Number(request.headers['defib-attempt']),
      ambiguous: request.headers['defib-ambiguous'] === 'true',
      sha256,
      atMs: Date.now(),
      bootId: boot,
      meant,
    };
    onArrival(arrival, request.socket, takesMs);
    const isLong = takesMs >= 1000;
    if (isLong) {
      this.#activeTasks = 1;
      void this.#beat();
    }
    await sleep(takesMs);
    if (boot !== this.#bootId || !this.isUp) return;
    answer(response, arrival, meant);
    if (isLong) {
      this.#activeTasks = 0;
      void this.#beat('a turn ended');
    }
  }

  /** A beat that fails is no reason to stop working: the next is a few seconds away. */
  async #beat(after?: ReadyBy): Promise<void> {
    const { workspaceId, api, beatSeconds, onReadyBeat } = this.#parts;
    const boot = this.#bootId;
    this.#seq += 1;
    const sign = {
      bootId: boot,
      seq: this.#seq,
      intervalSeconds: beatSeconds,
      activeTasks: this.#activeTasks,
    };
    const sentAtMs = Date.now();
    try {
      const { status } = await api.call('POST', `/workspaces/${workspaceId}/heartbeats`, sign);
      if (status === 204 && after !== undefined) onReadyBeat(after, sentAtMs);
    } catch {
      // As said.
    }
  }
}

function answer(response: http.ServerResponse, arrival: Arrival, meant: Manner): void {
  const body = answerTo(arrival.key, arrival.sha256);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const status = meant === 'with 500' ? 500 : meant === 'with 429' ? 429 : 200;
  if (meant === 'resets') {
    response.socket?.resetAndDestroy();
    return;
  }
  response.writeHead(status, headers);
  if (meant === 'hangs up mid-body') {
    response.write(body.slice(0, body.length / 2), () => response.destroy());
    return;
  }
  // Noted before the last byte can be read by anybody: the answer may be used before `finish` is told here.
  arrival.answered = status;
  response.end(body);
}
