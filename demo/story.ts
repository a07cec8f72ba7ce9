/** What a story is, what it may use, and how it is played: to its end, to its deadline, or to its first error. */
import { setTimeout as sleep } from 'node:timers/promises';

import { reasonOf } from '../local/local-error.ts';
import type { Defib } from './defib.ts';
import type { Ec2Console, PowerCalls } from './ec2-console.ts';
import { Findings } from './findings.ts';
import type { StoryResult } from './story-result.ts';
import type { FollowUp } from './follow-up.ts';
import type { Member } from './member.ts';
import type { Proxy } from './proxy.ts';
import type { SentRequest } from './requests.ts';
import type { Timeline } from './timeline.ts';
import type { Traffic } from './traffic.ts';
import { until } from './until.ts';

export interface Story {
  /** The story's and its workspace's name. */
  readonly name: string;
  /** One sentence, shown when it begins. */
  readonly about: string;
  /** How often its callers send a request. */
  readonly streamEveryMs: number;
  /** Whether it disturbs all the others, and so is played after them. */
  readonly afterTheOthers?: boolean;
  play(stage: Stage, findings: Findings): Promise<void>;
}

export interface StageParts {
  readonly member: Member;
  readonly fleet: readonly Member[];
  readonly ec2: Ec2Console;
  readonly defib: Defib;
  readonly proxy: Proxy;
  readonly traffic: Traffic;
  readonly followUp: FollowUp;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
}

/** Parked requests come out one after another, and the machine may be slow. */
const deliveryPatienceSeconds = 90;

/** One story's view of the fleet. */
export class Stage {
  readonly parts: StageParts;

  constructor(parts: StageParts) {
    this.parts = parts;
  }

  get member(): Member {
    return this.parts.member;
  }

  say(text: string): void {
    this.parts.timeline.say({ workspaceId: this.member.workspaceId, kind: 'story', text });
  }

  sleep(seconds: number): Promise<void> {
    return sleep(seconds * 1000, undefined, { signal: this.parts.signal });
  }

  until<Seen>(
    what: string,
    withinSeconds: number,
    look: () => Seen | undefined | false | Promise<Seen | undefined | false>,
    everyMs?: number,
  ): Promise<Seen> {
    const { signal } = this.parts;
    return until({ what, withinSeconds, signal, ...(everyMs !== undefined && { everyMs }) }, look);
  }

  /** Waits until nothing but what the story does can explain what happens. */
  async settled(): Promise<void> {
    const { settling } = await this.parts.defib.workspace(this.member.workspaceId);
    if (!settling) return;
    const leftMs = Date.parse(settling.until) - Date.now();
    if (leftMs > 2000) this.say(`waits ${(leftMs / 1000).toFixed(0)} s for the settle window to end`);
    await this.sleep(Math.max(0, leftMs) / 1000 + 0.5);
  }

  /** The agent goes on working and beats no more; resolves when its last heartbeat counts no longer. */
  async silence(): Promise<void> {
    this.member.agent.order({ order: 'beat', on: false });
    const { heartbeat } = await this.parts.defib.workspace(this.member.workspaceId);
    const leftMs = Date.parse(heartbeat?.freshUntil ?? '') - Date.now();
    this.say(
      `the agent works but beats no more; waits ${(leftMs / 1000).toFixed(0)} s until it counts as silent`,
    );
    await this.sleep(Math.max(0, leftMs) / 1000 + 1);
  }

  /** Waits until the requests that were parked have ended. */
  async ended(requests: readonly SentRequest[]): Promise<void> {
    const open = (): number => requests.filter((it) => it.answer?.status === 202 && !it.end).length;
    await this.until(`${open()} parked requests to end`, deliveryPatienceSeconds, () => open() === 0);
  }

  get powerCalls(): PowerCalls {
    return this.parts.ec2.callsOfDefib(this.member.instanceId);
  }

  /** The facts that every story must have but the one in which somebody really died. */
  expectNoRestart(findings: Findings): void {
    const { starts, stops } = this.powerCalls;
    findings.expect('no restart', starts === 0 && stops === 0, `${starts} Starts and ${stops} Stops`);
  }
}

/** Plays it and says how it went. Only an interruption rejects: one story's failure leaves the others alone. */
export async function playStory(story: Story, parts: StageParts): Promise<StoryResult> {
  const { timeline, ec2, member, traffic } = parts;
  const findings = new Findings(story.name, timeline);
  timeline.say({ workspaceId: story.name, kind: 'story', text: story.about });
  try {
    await story.play(new Stage(parts), findings);
  } catch (error) {
    // Interrupted: nothing was found out, and nobody wants to read of it.
    if (parts.signal.aborted) throw error;
    findings.broke(`the story broke off: ${reasonOf(error)}`);
  } finally {
    // Whatever it had arranged ends with it.
    ec2.pretend(member.instanceId, 'truth');
    traffic.resume(story.name);
    member.agent.order({ order: 'beat', on: true });
    member.agent.order({ order: 'break', connections: 0 });
  }
  const { result } = findings;
  timeline.say({
    workspaceId: story.name,
    kind: 'story',
    text: result.ok ? 'the story is over: ok' : `the story is over: FAILED`,
    tone: result.ok ? 'good' : 'bad',
    data: { ...result },
  });
  return result;
}
