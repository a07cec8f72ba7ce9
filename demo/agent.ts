/**
 * An agent: the program that runs on a workspace's instance. It answers requests one turn at a time, like a model
 * that thinks, and tells Defib that it lives. It registers nothing and knows nothing of verdicts.
 */
import { createHash, randomUUID } from 'node:crypto';
import http from 'node:http';
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises';

import type { ApiClient } from '../local/api-client.ts';
import { callAs } from '../local/callers.ts';
import { appendServed, readServed } from './agent-log.ts';
import {
  agentLifeVariable,
  longTurnMs,
  type AgentLife,
  type News,
  type Order,
  type Turn,
} from './agent-talk.ts';

const life = JSON.parse(process.env[agentLifeVariable] ?? '{}') as AgentLife;
const bootId = randomUUID();
const servedBefore = new Map(readServed(life.logFile).map((served) => [served.key, served.sha256]));

let seq = 0;
let activeTasks = 0;
let isBeating = true;
let connectionsToBreak = 0;
let api: ApiClient | undefined;

/** Turns are taken one after another; this is the end of the line. */
let lastTurn: Promise<void> = Promise.resolve();
let lastBeat: Promise<void> = Promise.resolve();

// The terminal's Ctrl-C reaches the whole group; the demo ends its agents itself, and with it they end anyway.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit(0));
process.on('message', (order: Order) => {
  if (order.order === 'beat') isBeating = order.on;
  else connectionsToBreak = order.connections;
});

const server = http.createServer((request, response) => {
  if (connectionsToBreak > 0) {
    connectionsToBreak -= 1;
    request.socket.resetAndDestroy();
    return;
  }
  const mine = lastTurn.then(() => answer(request, response));
  lastTurn = mine.catch(() => void response.destroy());
});
await listen();
tell({ news: 'booted', bootId });
await keepBeating();

async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  // Whoever gave up waiting in the line gets no turn: nobody would hear the answer.
  if (request.destroyed || response.destroyed) return;
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const key = String(request.headers['idempotency-key'] ?? '');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const isRepeat = servedBefore.get(key) === sha256;
  if (!isRepeat) await takeTurn(JSON.parse(body.toString('utf8')) as Turn);
  servedBefore.set(key, sha256);
  appendServed(life.logFile, { key, sha256, how: isRepeat ? 'repeated' : 'worked', bootId });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ key, sha256, bootId }));
}

async function takeTurn({ workMs }: Turn): Promise<void> {
  const isLong = workMs >= longTurnMs;
  activeTasks += 1;
  if (isLong) await beat();
  await sleep(workMs);
  activeTasks -= 1;
  if (isLong) await beat();
}

async function keepBeating(): Promise<void> {
  await beat();
  for await (const _ of every(life.beatSeconds * 1000)) await beat();
}

/** A sign of life, one at a time: a beat that overtakes an earlier one would make that one a replay. */
function beat(): Promise<void> {
  lastBeat = lastBeat.then(sendBeat);
  return lastBeat;
}

/** A beat that fails is no reason to stop working: the next is a few seconds away. */
async function sendBeat(): Promise<void> {
  if (!isBeating) return;
  seq += 1;
  const sign = { bootId, seq, intervalSeconds: life.beatSeconds, activeTasks };
  try {
    // By its own session an agent proves which instance it is.
    api ??= await callAs(life.info, 'agent', life.instanceId);
    const { status } = await api.call('POST', `/workspaces/${life.workspaceId}/heartbeats`, sign);
    tell({ news: 'beat', bootId, seq: sign.seq, activeTasks: sign.activeTasks, status });
  } catch {
    tell({ news: 'beat', bootId, seq: sign.seq, activeTasks: sign.activeTasks, status: 0 });
  }
}

/** The port may be held for a moment longer by the process that was killed on it. */
async function listen(): Promise<void> {
  for (let triesLeft = 20; ; triesLeft -= 1) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(life.port, '127.0.0.1', () => {
          server.off('error', reject);
          resolve();
        });
      });
      return;
    } catch (error) {
      if (triesLeft === 0) throw error;
      await sleep(100);
    }
  }
}

function tell(news: News): void {
  if (process.connected) process.send?.(news);
}
