/**
 * One workspace, its instance and the functions around it, in virtual time: a report leads to a verdict, a claim, a
 * restart and the first beat of a new boot, over a table and queues in memory. A function may end after any single
 * effect; a message may come twice; the sweep may run twice at once. The end must be the same (V11).
 */
import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { expect } from 'vitest';
import type { ReprobeMessage, RestartMessage } from '../../core/messages.ts';
import { defaultSettings } from '../../core/policy.ts';
import type { Workspace } from '../../core/workspace.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import { apiCall, forwardError, received } from './calls.ts';
import { INSTANCE } from './claimed.ts';
import { memoryTable } from './memory-table.ts';
import { aStoredWorkspace, itemOf, mockedAws, NOW_MS, portsOver, QUEUE, TABLE } from './mocked-aws.ts';

const BOOTS_FOR_MS = 10_000;
const STOPS_FOR_MS = 5000;
const AGENT_BOOTS_FOR_MS = 8000;
/** A message whose function ended is seen again after this. */
const VISIBILITY_MS = 60_000;

interface Queued {
  readonly id: string;
  readonly queue: 'reprobe' | 'restart';
  readonly body: ReprobeMessage & RestartMessage;
  readonly sentAtMs: number;
  visibleAtMs: number;
  receives: number;
}

export interface Story {
  readonly dies: 'stopped' | 'silent';
  /** The process ends after this effect, counted over the whole story. */
  readonly crashAfter?: number;
  /** How often each message is sent. */
  readonly copies?: number;
  readonly sweeps?: number;
  /** The message with this number is lost, though its sending was confirmed. */
  readonly loses?: number;
  /** How many callers report at once. */
  readonly callers?: number;
  /** The policy has a softer step for a silent agent, and somebody listens for it or nobody does. */
  readonly soft?: 'helps' | 'does not help';
  /** How old EC2's answers are. */
  readonly lagMs?: number;
}

/** However it came about: one true death, one restart, and nothing left lying about. */
export const wellEnded = (dies: Story['dies']) => ({
  acts: expect.objectContaining({
    effectiveStarts: 1,
    effectiveStops: dies === 'silent' ? 1 : 0,
    stops: dies === 'silent' ? 1 : 0,
  }) as unknown,
  state: 'running',
  boot: 'boot-b',
  claim: undefined,
  evidence: undefined,
  quarantine: undefined,
  left: 0,
  slots: 0,
});

class Crash extends Error {}

export async function play({
  dies,
  crashAfter,
  copies = 1,
  sweeps = 1,
  callers = 1,
  loses,
  lagMs = 0,
  soft,
}: Story) {
  const aws = mockedAws();
  let nowMs = NOW_MS;
  let effects = 0;
  let crashed = false;
  const lives = () => {
    if (crashed) throw new Crash('this process has ended');
  };
  const effect = () => {
    effects += 1;
    if (effects !== crashAfter) return;
    crashed = true;
    throw new Crash('ends here');
  };
  const table = memoryTable(aws, () => nowMs, { lives, effect });
  const ports = {
    ...portsOver(aws),
    settings: { ...defaultSettings, softRestartSeconds: soft === undefined ? 0 : 30 },
    due: dueWork(openTable(TABLE)),
    clock: {
      nowMs: () => nowMs,
      sleep: () => Promise.resolve(),
      every: () => ({ stop: () => {} }),
    },
  };
  const ec2 = {
    state: dies === 'stopped' ? 'stopped' : 'running',
    launchTimeMs: NOW_MS - 7_200_000,
    untilMs: 0,
  };
  const acts = { starts: 0, effectiveStarts: 0, stops: 0, effectiveStops: 0 };
  const queue: Queued[] = [];
  const news: string[] = [];
  let agentBackAtMs = Infinity;
  let ids = 0;
  let sent = 0;

  table.put(
    itemOf(
      aStoredWorkspace({
        heartbeat: {
          atMs: NOW_MS - 315_000,
          seq: 41,
          bootId: 'boot-a',
          intervalMs: 5000,
          declaresInterval: true,
          activeTasks: 0,
        },
      }),
    ),
  );
  const workspace = () => table.item('WS#ws-1', 'STATE') as unknown as Workspace;

  const past = [{ atMs: 0, ...ec2 }];
  const remember = () => void past.push({ atMs: nowMs, ...ec2 });
  aws.ec2.on(DescribeInstancesCommand).callsFake(() => {
    lives();
    const seen = past.findLast(({ atMs }) => atMs <= nowMs - lagMs) ?? ec2;
    return {
      Reservations: [
        {
          Instances: [
            { InstanceId: INSTANCE, State: { Name: seen.state }, LaunchTime: new Date(seen.launchTimeMs) },
          ],
        },
      ],
    };
  });
  aws.ec2.on(StartInstancesCommand).callsFake(() => {
    lives();
    acts.starts += 1;
    const previous = ec2.state;
    if (previous === 'stopped') {
      acts.effectiveStarts += 1;
      Object.assign(ec2, { state: 'pending', launchTimeMs: nowMs, untilMs: nowMs + BOOTS_FOR_MS });
      remember();
    } else if (previous === 'stopping') {
      throw Object.assign(new Error(), { name: 'IncorrectInstanceState' });
    }
    effect();
    return { StartingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: previous } }] };
  });
  aws.ec2.on(StopInstancesCommand).callsFake(() => {
    lives();
    acts.stops += 1;
    const previous = ec2.state;
    if (previous === 'running' || previous === 'pending') {
      acts.effectiveStops += 1;
      Object.assign(ec2, { state: 'stopping', untilMs: nowMs + STOPS_FOR_MS });
      remember();
    }
    effect();
    return { StoppingInstances: [{ InstanceId: INSTANCE, PreviousState: { Name: previous } }] };
  });
  aws.sqs
    .on(SendMessageCommand)
    .callsFake((input: { QueueUrl: string; MessageBody: string; DelaySeconds?: number }) => {
      lives();
      sent += 1;
      for (let copy = 0; copy < copies && sent !== loses; copy++) {
        ids += 1;
        queue.push({
          id: `m-${ids}`,
          queue: input.QueueUrl === QUEUE.reprobe ? 'reprobe' : 'restart',
          body: JSON.parse(input.MessageBody) as Queued['body'],
          sentAtMs: nowMs,
          visibleAtMs: nowMs + (input.DelaySeconds ?? 0) * 1000,
          receives: 0,
        });
      }
      effect();
      return { MessageId: 'm' };
    });
  aws.bus.on(PutEventsCommand).callsFake((input: { Entries: { DetailType: string }[] }) => {
    lives();
    news.push(...input.Entries.map((entry) => entry.DetailType));
    const isAsked = input.Entries.some((entry) => entry.DetailType === 'restart.soft');
    if (isAsked && soft === 'helps') agentBackAtMs = nowMs + AGENT_BOOTS_FOR_MS;
    effect();
    return { FailedEntryCount: 0 };
  });

  /** What runs at once, in one process. */
  const run = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    crashed = false;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      return undefined;
    } finally {
      crashed = false;
    }
  };
  const work = async (message: Queued): Promise<void> => {
    message.visibleAtMs = nowMs + VISIBILITY_MS;
    message.receives += 1;
    const as = received(message.body, {
      id: message.id,
      receives: message.receives,
      sentAtMs: message.sentAtMs,
      firstReceivedAtMs: nowMs,
    });
    const handled =
      message.queue === 'reprobe' ? await handleReprobes([as], ports) : await handleRestarts([as], ports);
    // A process that has ended reports nothing, whatever it had settled.
    lives();
    const settled = handled.get(message.id);
    if (settled?.kind === 'done') queue.splice(queue.indexOf(message), 1);
    if (settled?.kind === 'again') message.visibleAtMs = nowMs + settled.afterSeconds * 1000;
  };
  const agentBeats = async (seq: number) => {
    const now = { earliestMs: nowMs, latestMs: nowMs };
    await handleHeartbeat(
      apiCall(
        'POST /workspaces/{workspaceId}/heartbeats',
        { bootId: 'boot-b', seq },
        { caller: { principal: 'role/agent', session: INSTANCE }, now, gatewayTimeMs: nowMs },
      ),
      ports,
    );
  };
  const isBack = () => ec2.state === 'running' && workspace().heartbeat?.bootId === 'boot-b';

  const isTold = () => table.items().every((item) => item['untold'] === undefined);

  for (let second = 0; second < 1200; second++) {
    nowMs = NOW_MS + second * 1000;
    if (ec2.state === 'pending' && nowMs >= ec2.untilMs) ec2.state = 'running';
    if (ec2.state === 'stopping' && nowMs >= ec2.untilMs) ec2.state = 'stopped';
    remember();
    const now = { earliestMs: nowMs, latestMs: nowMs };
    if (second % 30 === 0 && !isBack()) {
      const report = () =>
        handleForwardError(
          forwardError({ error: { kind: 'refused' } }, { now, gatewayTimeMs: nowMs }),
          ports,
        );
      await run(() => Promise.all(Array.from({ length: callers }, report)));
    }
    const visible = queue.filter(({ visibleAtMs }) => visibleAtMs <= nowMs);
    await run(() => Promise.all(visible.map(work)));
    const isUp = ec2.state === 'running' && (ec2.launchTimeMs >= NOW_MS || nowMs >= agentBackAtMs);
    if (second % 5 === 0 && isUp) await run(() => agentBeats(second));
    if (second % 60 === 59)
      await run(() => Promise.all(Array.from({ length: sweeps }, () => handleSweep(ports))));
    if (isBack() && queue.length === 0 && !workspace().claim && isTold() && second % 60 === 59) break;
  }
  const fleet = table.item('FLEET', 'BRAKE');
  return {
    effects,
    sent,
    acts,
    news,
    state: ec2.state,
    boot: workspace().heartbeat?.bootId,
    claim: workspace().claim,
    evidence: workspace().evidence,
    quarantine: workspace().quarantine,
    left: queue.length,
    slots: Object.keys((fleet?.['admitted'] as object | undefined) ?? {}).length,
  };
}
