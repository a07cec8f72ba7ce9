/** One workspace of the fleet: an instance, and the agent that runs on it while the instance runs. */
import type { AgentProcess } from './agent-process.ts';
import type { Happening } from './happening.ts';
import type { Timeline } from './timeline.ts';

export interface Beat {
  readonly atMs: number;
  readonly bootId: string;
  readonly activeTasks: number;
}

export class Member {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly port: number;
  readonly logFile: string;
  readonly agent: AgentProcess;
  /** The latest beat that Defib has accepted. */
  lastBeat: Beat | undefined;

  constructor(
    place: { workspaceId: string; instanceId: string; port: number; logFile: string },
    agent: AgentProcess,
    timeline: Timeline,
  ) {
    this.workspaceId = place.workspaceId;
    this.instanceId = place.instanceId;
    this.port = place.port;
    this.logFile = place.logFile;
    this.agent = agent;
    const say = (happening: Omit<Happening, 'workspaceId' | 'kind'>): void =>
      timeline.say({ workspaceId: place.workspaceId, kind: 'agent', ...happening });

    agent.on('booted', (bootId) => say({ text: `up, boot ${short(bootId)}`, data: { bootId } }));
    agent.on('ended', () => say({ text: 'its process is gone' }));
    agent.on('beat', ({ bootId, activeTasks, status }) => {
      if (status === 204) {
        if (this.lastBeat?.bootId !== bootId)
          say({ text: `first heartbeat of boot ${short(bootId)} counts` });
        this.lastBeat = { atMs: Date.now(), bootId, activeTasks };
      } else {
        say({ text: `a heartbeat was not taken (${status})`, tone: 'doubt' });
      }
    });
  }
}

const short = (bootId: string): string => bootId.slice(0, 8);
