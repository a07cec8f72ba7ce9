/** Does to the real code what one action of a trace did to the model. */
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { apiCall, forwardError, received } from '../lambdas/calls.ts';
import { bootIdOf, instanceIdOf, msOf, VerdictNames } from './abstraction.ts';
import { CodeWorld } from './code-world.ts';
import type { Step } from './model-run.ts';

interface Picks {
  readonly seconds: number;
  readonly instance: number;
  readonly desired: boolean;
  readonly forced: boolean;
  readonly isLost: boolean;
  readonly pid: string;
  readonly beat: { instance: number; boot: number; seq: number };
  readonly message: { verdict: number; generation: number; instance: number };
  readonly order: { token: number; epoch: number };
}

export class Replay {
  readonly world = new CodeWorld();
  readonly names = new VerdictNames();

  async does({ action, picks: chosen }: Step): Promise<void> {
    const { world } = this;
    const picks = chosen as unknown as Picks;
    const machine = world.machines.get(picks.instance);
    switch (action) {
      case 'init':
        return;
      case 'timePasses':
      case 'timeFlies':
        world.now += picks.seconds;
        return;
      case 'instanceFails':
        if (machine) machine.up = false;
        return;
      case 'instanceComesUp':
        world.boots(picks.instance, world.now);
        return;
      case 'agentRestarts':
        world.boots(picks.instance, machine?.launch ?? 0);
        return;
      case 'agentBeats':
        if (machine) machine.seq += 1;
        return;
      case 'goesOn':
        return world.hand(picks.pid).goOn(picks.isLost ? 'lost' : 'ok');
      case 'crashes':
        world.hand(picks.pid).crash();
        return;
      default:
        return this.#begins(action, picks);
    }
  }

  /** An invocation begins, and runs until it is about to have an effect. */
  #begins(action: string, picks: Picks): Promise<void> {
    const { world } = this;
    const times = { earliestMs: msOf(world.now), latestMs: msOf(world.now) };
    const at = { now: times, gatewayTimeMs: msOf(world.now) };
    const received_ = { sentAtMs: msOf(world.now), firstReceivedAtMs: msOf(world.now) };
    const operates = (route: string, body: object) =>
      this.#hand('operator', (ports) => Promise.resolve(handleOperate(apiCall(route, body, at), ports)));
    switch (action) {
      case 'report':
        return this.#hand('caller', (ports) =>
          handleForwardError(forwardError({ error: { kind: 'dns' } }, at), ports),
        );
      case 'beatArrives': {
        const { instance, boot, seq } = picks.beat;
        const caller = { principal: 'role/agent', roleName: 'agent', session: instanceIdOf(instance) };
        const body = { bootId: bootIdOf(boot), seq };
        const call = apiCall('POST /workspaces/{workspaceId}/heartbeats', body, { ...at, caller });
        return this.#hand('agent', (ports) => handleHeartbeat(call, ports));
      }
      case 'reprobe': {
        const { verdict, generation, instance } = picks.message;
        const message = world.reprobes.find(
          (sent) =>
            this.names.number(sent.verdictId, verdict) === verdict &&
            sent.generation === generation &&
            sent.instanceId === instanceIdOf(instance),
        );
        if (!message) throw new Error('the code has sent no such re-probe');
        return this.#hand(picks.pid, (ports) => handleReprobes([received(message, received_)], ports));
      }
      case 'restart': {
        const { token, epoch } = picks.order;
        const message = world.orders.find(
          (sent) => this.names.number(sent.token, token) === token && sent.epoch === epoch,
        );
        if (!message) throw new Error('the code has sent no such restart');
        return this.#hand(picks.pid, (ports) => handleRestarts([received(message, received_)], ports));
      }
      case 'sweep':
        return this.#hand('sweep', (ports) => handleSweep(ports));
      case 'orderRestart':
        return operates('POST /workspaces/{workspaceId}/restart', { reason: 'asked', force: picks.forced });
      case 'register': {
        const desired = picks.desired ? 'running' : 'stopped';
        return operates('PUT /workspaces/{workspaceId}', {
          instanceId: instanceIdOf(picks.instance),
          port: 8080,
          desired,
        });
      }
      case 'announce':
        return operates('POST /workspaces/{workspaceId}/settle', {
          reason: 'deploy',
          seconds: picks.seconds,
        });
      case 'releaseQuarantine':
        return operates('POST /workspaces/{workspaceId}/quarantine/release', {});
      default:
        throw new Error(`no such action: ${action}`);
    }
  }

  #hand(pid: string, work: (ports: ReturnType<CodeWorld['portsOf']>) => Promise<unknown>): Promise<void> {
    const hand = this.world.hand(pid);
    return hand.begin(() => work(this.world.portsOf(hand)));
  }
}
