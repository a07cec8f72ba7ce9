/**
 * The fleet: workspaces, each a real agent process that lives and dies with its emulated EC2 instance. The instance
 * gets running: the process starts. The instance leaves running, whoever did that: the process is killed.
 */
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import type { Ec2Proxy } from '../local/ec2-proxy/ec2-proxy.ts';
import type { StateChange } from '../local/ec2-proxy/lifecycle.ts';
import type { LocalInfo } from '../local/local-info.ts';
import { choosePort } from '../local/port.ts';
import { AgentProcess } from './agent-process.ts';
import type { Defib } from './defib.ts';
import type { Ec2Console } from './ec2-console.ts';
import { Member } from './member.ts';
import type { Timeline } from './timeline.ts';
import { until } from './until.ts';

const beatSeconds = 2;
const bootPatienceSeconds = 60;

export interface FleetParts {
  readonly info: LocalInfo;
  readonly proxy: Ec2Proxy;
  readonly ec2: Ec2Console;
  readonly defib: Defib;
  readonly timeline: Timeline;
  /** Where the agents' logs go. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export class Fleet {
  readonly #parts: FleetParts;
  readonly #members = new Map<string, Member>();
  readonly #stopListening: () => void;
  #isStopped = false;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#stopListening = parts.proxy.onStateChange((change) => void this.#follow(change));
    rmSync(parts.folder, { recursive: true, force: true });
    mkdirSync(parts.folder, { recursive: true });
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Launches a workspace, registers it, and resolves when its first heartbeat has been accepted. */
  async add(workspaceId: string): Promise<Member> {
    const { info, ec2, defib, timeline, folder, signal } = this.#parts;
    const instanceId = await ec2.launch(workspaceId);
    const port = await choosePort();
    const logFile = path.join(folder, `${workspaceId}.jsonl`);
    const agent = new AgentProcess(
      { workspaceId, instanceId, port, info, logFile, beatSeconds },
      path.join(folder, `${workspaceId}.out`),
    );
    const member = new Member({ workspaceId, instanceId, port, logFile }, agent, timeline);
    this.#members.set(instanceId, member);
    timeline.say({ workspaceId, kind: 'instance', text: `${instanceId} launched, agent port ${port}` });
    await defib.register(workspaceId, { instanceId, port });
    // It may have come up while we registered it.
    if (this.#parts.proxy.stateOf(instanceId) === 'running') this.#start(member);
    await until(
      { what: `the first heartbeat of ${workspaceId}`, withinSeconds: bootPatienceSeconds, signal },
      () => member.lastBeat,
    );
    return member;
  }

  /** Ends every agent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopListening();
    await Promise.all(
      this.members.map(({ agent }) => {
        // That they end is no news now.
        agent.removeAllListeners();
        return agent.kill();
      }),
    );
  }

  /** Leaves nothing behind on an AWS that outlives the demo. */
  async dismiss(): Promise<void> {
    const { defib, ec2 } = this.#parts;
    for (const { workspaceId } of this.members) await defib.remove(workspaceId);
    await ec2.terminate(this.members.map(({ instanceId }) => instanceId));
  }

  async #follow({ instanceId, state }: StateChange): Promise<void> {
    const member = this.#members.get(instanceId);
    if (!member) return;
    this.#parts.timeline.say({
      workspaceId: member.workspaceId,
      kind: 'instance',
      text: `${instanceId} is ${state}`,
      data: { instanceId, state },
    });
    if (state === 'running') this.#start(member);
    else await member.agent.kill();
  }

  #start(member: Member): void {
    if (!this.#isStopped) member.agent.start();
  }
}
