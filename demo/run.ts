/** One run on a stack that stands: the fleet, its traffic, the stories, and the count. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { userEndpoint } from '../local/account.ts';
import { callAs } from '../local/callers.ts';
import { adminClients } from '../local/clients.ts';
import type { LocalStack } from '../local/local-stack.ts';
import { readServed } from './agent-log.ts';
import { Defib } from './defib.ts';
import { Ec2Console } from './ec2-console.ts';
import type { StoryResult } from './story-result.ts';
import { Fleet } from './fleet.ts';
import { FollowUp } from './follow-up.ts';
import type { Member } from './member.ts';
import { Proxy } from './proxy.ts';
import { apiTrouble } from './stories/api-trouble.ts';
import { incident2929 } from './stories/incident-2929.ts';
import { longTurn } from './stories/long-turn.ts';
import { reallyDead } from './stories/really-dead.ts';
import { transportFlake } from './stories/transport-flake.ts';
import { playStory, type StageParts, type Story } from './story.ts';
import { tallyOf, type Tally, type WorkspaceFacts } from './tally.ts';
import type { Timeline } from './timeline.ts';
import { Traffic } from './traffic.ts';
import { until, WaitedInVainError } from './until.ts';
import { watchPower } from './watch-power.ts';

const stories: readonly Story[] = [incident2929, transportFlake, longTurn, reallyDead, apiTrouble];

const drainPatienceSeconds = 120;
const drainNewsMs = 5000;

export interface RunParts {
  readonly stack: LocalStack;
  readonly timeline: Timeline;
  /** Ends everything that waits. */
  readonly signal: AbortSignal;
  /** Takes what must be undone, whatever happens. */
  readonly undo: (what: () => Promise<void> | void) => void;
}

export async function runStories({ stack, timeline, signal, undo }: RunParts): Promise<Tally> {
  const { info, ec2: ec2Proxy } = stack;
  const clients = adminClients(info);
  undo(() => clients.destroy());
  const [operator, proxyCaller] = await Promise.all([
    callAs(info, 'operator', 'demo-operator'),
    callAs(info, 'proxy', 'demo-proxy'),
  ]);
  const defib = new Defib({ operator, proxy: proxyCaller });
  undo(() => defib.close());
  const ec2 = new Ec2Console(clients.ec2, ec2Proxy, info.workspaceTag);
  const folder = path.join(stack.folder, 'agents');
  const fleet = new Fleet({ info, proxy: ec2Proxy, ec2, defib, timeline, folder, signal });
  if (userEndpoint() !== undefined) undo(() => fleet.dismiss());
  undo(() => fleet.stop());

  timeline.say({ kind: 'demo', text: `launching ${stories.length} workspaces, an agent process on each` });
  const members = await Promise.all(stories.map(({ name }) => fleet.add(name)));

  // The streams and watchers run until all is told.
  const background = new AbortController();
  const whileRunning = AbortSignal.any([signal, background.signal]);
  const followUp = new FollowUp({ defib, timeline, signal: whileRunning });
  const proxy = new Proxy({ defib, followUp, timeline });
  const streams = new AbortController();
  const traffic = new Traffic(proxy, AbortSignal.any([whileRunning, streams.signal]));
  const watchers = [followUp.run(), watchPower(members, ec2, timeline, whileRunning)];
  const failed = Promise.race(watchers.map(onlyFailures));

  timeline.say({ kind: 'demo', text: 'the fleet is up; a steady stream of requests goes to each agent' });
  const flows = stories.map(({ streamEveryMs }, index) =>
    onlyFailures(traffic.stream(memberAt(members, index), streamEveryMs)),
  );
  const stage: Omit<StageParts, 'member'> = {
    fleet: members,
    ec2,
    defib,
    proxy,
    traffic,
    followUp,
    timeline,
    signal,
  };
  try {
    const results = await Promise.race([playAll(members, stage), failed, ...flows]);
    streams.abort();
    await Promise.race([drain(traffic, followUp, timeline, signal), failed]);
    return tallyOf(
      members.map((member) => factsOf(member, traffic, ec2)),
      results,
    );
  } finally {
    background.abort();
  }
}

/** Side by side, each with its own workspace; then those that disturb the whole fleet. */
async function playAll(
  members: readonly Member[],
  stage: Omit<StageParts, 'member'>,
): Promise<StoryResult[]> {
  const play = (story: Story): Promise<StoryResult> =>
    playStory(story, { ...stage, member: memberAt(members, stories.indexOf(story)) });
  const results = await Promise.all(stories.filter(({ afterTheOthers }) => !afterTheOthers).map(play));
  for (const story of stories.filter(({ afterTheOthers }) => afterTheOthers)) results.push(await play(story));
  return results;
}

/** Waits until every caller has an answer and every promise is kept or broken, with an end to the patience. */
async function drain(
  traffic: Traffic,
  followUp: FollowUp,
  timeline: Timeline,
  signal: AbortSignal,
): Promise<void> {
  timeline.say({ kind: 'demo', text: 'no more requests; waiting for the last answers and deliveries' });
  await traffic.allAnswered();
  const news = setInterval(() => {
    const open = [...followUp.openCounts()].map(([workspaceId, count]) => `${workspaceId} ${count}`);
    timeline.say({ kind: 'demo', text: `still parked: ${open.join(', ') || 'none'}` });
  }, drainNewsMs);
  try {
    await until(
      { what: 'the last parked requests to end', withinSeconds: drainPatienceSeconds, signal },
      () => followUp.openCounts().size === 0,
    );
    // A restart that nobody should have ordered may be on its way: it is given a moment to show.
    await sleep(3000, undefined, { signal });
  } catch (error) {
    // The count will call them lost.
    if (!(error instanceof WaitedInVainError)) throw error;
    timeline.say({ kind: 'demo', text: error.message, tone: 'bad' });
  } finally {
    clearInterval(news);
  }
}

function factsOf(member: Member, traffic: Traffic, ec2: Ec2Console): WorkspaceFacts {
  return {
    workspaceId: member.workspaceId,
    requests: traffic.sentTo(member.workspaceId),
    served: readServed(member.logFile),
    ...ec2.callsOfDefib(member.instanceId),
    stoppedByDemo: ec2.ownStopsOf(member.instanceId),
  };
}

/** Never resolves: a background task that ends well has nothing to say. */
async function onlyFailures(task: Promise<void>): Promise<never> {
  try {
    await task;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
  }
  return new Promise<never>(() => {});
}

function memberAt(members: readonly Member[], index: number): Member {
  const member = members[index];
  if (!member) throw new Error(`no workspace for story ${index}`);
  return member;
}
