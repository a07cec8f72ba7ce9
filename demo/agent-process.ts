/** One agent as the demo holds it: started, killed, given orders, listened to. */
import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';

import { childEnvironment, nodeBinary } from '../local/node-path.ts';
import { agentLifeVariable, type AgentLife, type News, type Order } from './agent-talk.ts';

const agentProgram = path.join(import.meta.dirname, 'agent.ts');

interface AgentEvents {
  booted: [bootId: string];
  beat: [beat: Extract<News, { news: 'beat' }>];
  /** The process is gone, by our hand or not. */
  ended: [];
}

export class AgentProcess extends EventEmitter<AgentEvents> {
  readonly #life: AgentLife;
  readonly #outputFile: string;
  #child: ChildProcess | undefined;

  constructor(life: AgentLife, outputFile: string) {
    super();
    this.#life = life;
    this.#outputFile = outputFile;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Starts the program, which then has a new boot id. Nothing to do while it runs. */
  start(): void {
    if (this.#child) return;
    const output = openSync(this.#outputFile, 'a');
    const child = fork(agentProgram, [], {
      execPath: nodeBinary,
      env: childEnvironment({ [agentLifeVariable]: JSON.stringify(this.#life) }),
      stdio: ['ignore', output, output, 'ipc'],
    });
    closeSync(output);
    this.#child = child;
    child.on('message', (news) => this.#hear(news as News));
    // A process that is gone cannot be told anything; its end is told below.
    child.on('error', () => {});
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
      this.emit('ended');
    });
  }

  /** Ends the process as a crash would: no goodbye. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  order(order: Order): void {
    if (this.#child?.connected) this.#child.send(order);
  }

  #hear(news: News): void {
    if (news.news === 'booted') this.emit('booted', news.bootId);
    else this.emit('beat', news);
  }
}
