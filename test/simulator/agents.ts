/** The network between deliver and the agents: who is at an address, what it makes of a request, what comes back. */
import { isExpectedPeer, PROOF_TIMEOUT_MS } from '../../lambdas/adapters/peer-proof.ts';
import type { AgentAnswer, AgentHttp, AgentRequest, PeerProof } from '../../lambdas/ports/agents.ts';
import type { Invocation } from './invocation.ts';
import type { Machine } from './machine.ts';
import { running, type Sandbox } from './sandbox.ts';
import { identity, response, Stranger } from './stranger.ts';
import type { Copy } from './truth.ts';
import type { World } from './world.ts';

/** As long as a connection is tried for. */
const CONNECT_MS = 5000;

export function agentsOf(world: World, sandbox: Sandbox): AgentHttp {
  return {
    async send(request) {
      const invocation = running(sandbox);
      await invocation.wait(world.random.between(1, 10));
      const refusal = request.proof && (await proved(world, invocation, request, request.proof));
      if (refusal) return refusal;
      const peer = world.ec2.at(request.address);
      const found = findOut(world, peer, request);
      const who = `${invocation.name}#${invocation.number}`;
      world.trace.step(
        world.time.nowMs(),
        who,
        `POST ${request.headers['defib-request-id'] ?? ''} ${found.told}`,
      );
      if (peer && found.arrives) {
        const copy = copyOf(world, request, peer.instanceId);
        world.truth.copies.push(copy);
        if (peer instanceof Stranger) world.oracles.metStranger(copy, peer, invocation);
        else world.oracles.arrived(copy, peer, invocation);
      }
      const before = identityOf(peer);
      await invocation.wait(Math.min(found.afterMs, request.timeoutMs));
      if (found.afterMs > request.timeoutMs) return { kind: 'failed', because: 'deadline' };
      // Whoever it was is gone, and its connection with it.
      if (found.arrives && identityOf(peer) !== before)
        return { kind: 'failed', because: world.random.pick(['reset', 'eof']) };
      return found.answer;
    },
  };
}

/** Asks who is there, on the connection that the request is to follow on; undefined when it is the one who is meant. */
async function proved(
  world: World,
  invocation: Invocation,
  request: AgentRequest,
  proof: PeerProof,
): Promise<AgentAnswer | undefined> {
  const peer = world.ec2.at(request.address);
  const timeoutMs = Math.min(PROOF_TIMEOUT_MS, request.timeoutMs);
  const found = findOut(world, peer, { ...request, timeoutMs }, true);
  const before = identityOf(peer);
  world.trace.step(
    world.time.nowMs(),
    `${invocation.name}#${invocation.number}`,
    `GET proof of ${proof.workspaceId} ${found.told}`,
  );
  await invocation.wait(Math.min(found.afterMs, timeoutMs));
  if (found.afterMs > timeoutMs) return { kind: 'failed', because: 'deadline', unsent: true };
  const { answer } = found;
  if (answer.kind === 'failed') return { ...answer, unsent: true };
  if (answer.kind !== 'answered' || !isExpectedPeer(answer.response, proof)) return { kind: 'stranger' };
  // Who proved itself has hung up.
  const isThere = world.ec2.at(request.address) === peer && identityOf(peer) === before;
  return isThere ? undefined : { kind: 'stranger' };
}

function identityOf(peer: Machine | Stranger | undefined): string | undefined {
  return peer instanceof Stranger ? peer.instanceId : peer?.bootId;
}

function copyOf(world: World, { path, method, headers, body }: AgentRequest, instanceId: string): Copy {
  const own = Object.entries(headers).filter(([name]) => !name.startsWith('defib-'));
  return {
    atMs: world.time.nowMs(),
    requestId: headers['defib-request-id'] ?? '',
    key: headers['idempotency-key'] ?? '',
    bytes: JSON.stringify([method, path, own, body]),
    instanceId,
  };
}

interface Found {
  readonly told: string;
  readonly arrives: boolean;
  readonly afterMs: number;
  readonly answer: AgentAnswer;
}

function failed(
  because: Extract<AgentAnswer, { kind: 'failed' }>['because'],
  afterMs: number,
  arrives = false,
): Found {
  return { told: because, arrives, afterMs, answer: { kind: 'failed', because } };
}

function findOut(
  world: World,
  peer: Machine | Stranger | undefined,
  request: AgentRequest,
  isProof = false,
): Found {
  const { random } = world;
  if (peer instanceof Stranger) return answered(isProof ? peer.proof() : response(200, ''), 20);
  if (peer?.instance !== 'running') return failed('unreachable', CONNECT_MS);
  const member = world.truth.member(peer.workspaceId);
  if (member && world.time.nowMs() < member.cutFromDefibUntilMs) return failed('unreachable', CONNECT_MS);
  switch (peer.agent) {
    case 'booting':
    case 'gone':
    case 'off':
      return failed('refused', 5);
    case 'hung':
      return failed('deadline', request.timeoutMs + 1, true);
    case 'starved':
    case 'up':
      return isProof ? answered(identity(peer.workspaceId, peer.bootId), 20) : turn(world, peer);
    default:
      return failed(random.pick(['reset', 'eof']), 100, true);
  }
}

/** A turn of the agent: mostly short and good. */
function turn(world: World, machine: Machine): Found {
  const { random, weights } = world;
  const status =
    world.isCalm || !random.chance(weights.badTurn) ? 200 : random.pick([400, 404, 429, 500, 503, 504]);
  const afterMs = machine.agent === 'starved' ? random.between(1000, 90_000) : random.after(2000);
  const headers: Record<string, string> =
    status === 429 ? { 'retry-after': random.pick(['7', '30', '90']) } : {};
  return answered(response(status, '', headers), afterMs);
}

function answered(kept: ReturnType<typeof response>, afterMs: number): Found {
  return {
    told: String(kept.status),
    arrives: true,
    afterMs,
    answer: { kind: 'answered', response: kept },
  };
}
