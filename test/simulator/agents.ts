/** The network between deliver and the agents: who is at an address, what it makes of a request, what comes back. */
import type { AgentAnswer, AgentHttp, AgentRequest } from '../../lambdas/ports/agents.ts';
import type { Machine } from './machine.ts';
import { running, type Sandbox } from './sandbox.ts';
import type { World } from './world.ts';

/** As long as a connection is tried for. */
const CONNECT_MS = 5000;

export function agentsOf(world: World, sandbox: Sandbox): AgentHttp {
  return {
    async send(request) {
      const invocation = running(sandbox);
      await invocation.wait(world.random.between(1, 10));
      const machine = world.ec2.at(request.address);
      const found = findOut(world, machine, request);
      const who = `${invocation.name}#${invocation.number}`;
      world.trace.step(
        world.time.nowMs(),
        who,
        `POST ${request.headers['defib-request-id'] ?? ''} ${found.told}`,
      );
      if (machine && found.arrives) {
        const { path, method, headers, body } = request;
        const own = Object.entries(headers).filter(([name]) => !name.startsWith('defib-'));
        const copy = {
          atMs: world.time.nowMs(),
          requestId: headers['defib-request-id'] ?? '',
          key: headers['idempotency-key'] ?? '',
          bytes: JSON.stringify([method, path, own, body]),
          instanceId: machine.instanceId,
        };
        world.truth.copies.push(copy);
        world.oracles.arrived(copy, machine, invocation);
      }
      const bootId = machine?.bootId;
      await invocation.wait(Math.min(found.afterMs, request.timeoutMs));
      if (found.afterMs > request.timeoutMs) return { kind: 'failed', because: 'deadline' };
      // Whoever it was is gone, and its connection with it.
      if (found.arrives && machine?.bootId !== bootId)
        return { kind: 'failed', because: world.random.pick(['reset', 'eof']) };
      return found.answer;
    },
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

function findOut(world: World, machine: Machine | undefined, request: AgentRequest): Found {
  const { random } = world;
  if (machine?.instance !== 'running') return failed('unreachable', CONNECT_MS);
  const member = world.truth.member(machine.workspaceId);
  if (member && world.time.nowMs() < member.cutFromDefibUntilMs) return failed('unreachable', CONNECT_MS);
  switch (machine.agent) {
    case 'booting':
    case 'gone':
    case 'off':
      return failed('refused', 5);
    case 'hung':
      return failed('deadline', request.timeoutMs + 1, true);
    case 'starved':
    case 'up':
      return turn(world, machine);
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
  const response = { status, headers, body: '', truncated: false };
  return { told: String(status), arrives: true, afterMs, answer: { kind: 'answered', response } };
}
