/** The functions as they are deployed, each joined as its own index.ts joins it, with a sandbox's clients. */
import { DescribeInstancesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SQSEvent } from 'aws-lambda';
import type * as z from 'zod/mini';
import { brakeStore } from '../../lambdas/adapters/brake-store.ts';
import { deadLetters } from '../../lambdas/adapters/dead-letters.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { ec2Health } from '../../lambdas/adapters/ec2-health.ts';
import { ec2Power } from '../../lambdas/adapters/ec2-power.ts';
import { ec2Probe } from '../../lambdas/adapters/ec2-probe.ts';
import { events } from '../../lambdas/adapters/events.ts';
import { instanceIndex } from '../../lambdas/adapters/instance-index.ts';
import { ledger } from '../../lambdas/adapters/ledger.ts';
import { queues } from '../../lambdas/adapters/queues.ts';
import { receiptStore } from '../../lambdas/adapters/receipt-store.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { watch, watchedPower, watchedProbe } from '../../lambdas/adapters/watched-ec2.ts';
import { workspaceStore } from '../../lambdas/adapters/workspace-store.ts';
import { restartEnds } from '../../lambdas/adapters/restart-ends.ts';
import { stories } from '../../lambdas/adapters/stories.ts';
import { handleHandedOn } from '../../lambdas/deliver/handed-on.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleHeartbeat } from '../../lambdas/heartbeat/handle.ts';
import { handleInstanceChange } from '../../lambdas/instance-change/handle.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import type { AgentHttp } from '../../lambdas/ports/agents.ts';
import type { Clock } from '../../lambdas/ports/clock.ts';
import type { Ids } from '../../lambdas/ports/ids.ts';
import type { Log } from '../../lambdas/ports/log.ts';
import type { Received, Settled } from '../../lambdas/ports/queues.ts';
import { handleReceived } from '../../lambdas/receive/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import type { ApiCall } from '../../lambdas/runtime/api-call.ts';
import type { FunctionName } from '../../lambdas/runtime/env-names.ts';
import { answerEvent, type GatewayEvent } from '../../lambdas/runtime/http.ts';
import { answerBatch } from '../../lambdas/runtime/sqs-batch.ts';
import {
  deliveryMessage,
  parkedMessage,
  reprobeMessage,
  restartMessage,
} from '../../lambdas/schemas/messages.ts';
import { handleSweep } from '../../lambdas/sweep/handle.ts';
import type { Answer } from '../../core/answer.ts';
import type { PolicySettings } from '../../core/policy.ts';

export const TABLE = 'defib';
export const urls = {
  reprobe: 'https://sqs.simulated/reprobe',
  restart: 'https://sqs.simulated/restart',
  parked: 'https://sqs.simulated/parked.fifo',
  deliveries: 'https://sqs.simulated/deliveries',
} as const;
export const deadUrls = {
  reprobe: 'https://sqs.simulated/reprobe-dead',
  restart: 'https://sqs.simulated/restart-dead',
  parked: 'https://sqs.simulated/parked-dead.fifo',
  deliveries: 'https://sqs.simulated/deliveries-dead',
} as const;
export type QueueName = keyof typeof urls;
export const workspaceTag = { Key: 'defib', Value: 'simulated' } as const;

/** What a sandbox has when it starts. */
export interface SandboxParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly settings: PolicySettings;
  readonly dynamo: DynamoDBDocumentClient;
  readonly sqs: SQSClient;
  readonly ec2: EC2Client;
  readonly power: EC2Client;
  readonly bus: EventBridgeClient;
  readonly agents: AgentHttp;
  readonly cidrs: readonly string[];
}

export type Handler = (event: unknown) => Promise<unknown>;

/** The handler of a function in a new sandbox. */
export function handlerOf(fn: FunctionName, parts: SandboxParts): Handler {
  return builders[fn](parts);
}

const builders: Record<FunctionName, (parts: SandboxParts) => Handler> = {
  'forward-error': (parts) => {
    const ports = judgingPorts(parts, { reprobe: urls.reprobe, parked: urls.parked });
    return api(parts, (call) => handleForwardError(call, ports));
  },
  heartbeat: (parts) => {
    const { log, settings } = parts;
    const { workspaces, ledger } = storesOf(parts);
    const ports = { log, settings, workspaces, ledger, queues: queues(parts.sqs, { parked: urls.parked }) };
    return api(parts, (call) => handleHeartbeat(call, ports));
  },
  reprobe: (parts) => {
    const ports = judgingPorts(parts, { restart: urls.restart, parked: urls.parked });
    return queue(parts, 'reprobe', reprobeMessage, (messages) => handleReprobes(messages, ports));
  },
  restart: (parts) => {
    const { log, clock } = parts;
    const health = ec2Health({ client: parts.dynamo, name: TABLE }, log);
    const watching = watch(health, clock);
    const ports = {
      ...common(parts),
      ...storesOf(parts),
      ec2Health: health,
      queues: queues(parts.sqs, { parked: urls.parked }),
      ec2: watchedProbe(probeOf(parts), watching),
      power: watchedPower(ec2Power(parts.power), watching),
      restartEnds: restartEnds({ client: parts.dynamo, name: TABLE }),
    };
    return queue(parts, 'restart', restartMessage, (messages) => handleRestarts(messages, ports));
  },
  receive: (parts) => {
    const ports = { log: parts.log, queues: queues(parts.sqs, { deliveries: urls.deliveries }) };
    return queue(parts, 'parked', parkedMessage, (messages) => handleReceived(messages, ports));
  },
  deliver: (parts) => {
    const ports = {
      ...common(parts),
      ...storesOf(parts),
      queues: queues(parts.sqs, { reprobe: urls.reprobe, parked: urls.parked }),
      ec2: watchedProbeOf(parts),
      agents: parts.agents,
      reach: { cidrs: parts.cidrs },
    };
    return queue(parts, 'deliveries', deliveryMessage, (deliveries) => handleHandedOn(deliveries, ports));
  },
  sweep: (parts) => {
    const table = { client: parts.dynamo, name: TABLE };
    const ports = {
      ...common(parts),
      ...storesOf(parts),
      due: dueWork(table),
      restartEnds: restartEnds(table),
      queues: queues(parts.sqs, urls),
      ec2Health: ec2Health(table, parts.log),
    };
    return () => handleSweep(ports);
  },
  lookup: (parts) => {
    const ports = {
      ...storesOf(parts),
      settings: parts.settings,
      stories: stories({ client: parts.dynamo, name: TABLE }),
      operatorRoles: ['operator'],
    };
    return api(parts, async (call) => handleLookup(call, ports));
  },
  operate: (parts) => {
    const ports = {
      ...common(parts),
      ...storesOf(parts),
      registry: registry({ client: parts.dynamo, name: TABLE }),
      queues: queues(parts.sqs, { restart: urls.restart, parked: urls.parked }),
      ec2: watchedProbeOf(parts),
      workspaceTag,
      operatorRoles: ['operator'],
      reporterRoles: ['proxy'],
    };
    return api(parts, async (call) => handleOperate(call, ports));
  },
  'instance-change': (parts) => {
    const table = { client: parts.dynamo, name: TABLE };
    const ports = {
      ...common(parts),
      workspaces: workspaceStore(table),
      instances: instanceIndex(table),
      registry: registry(table),
    };
    return (event) => handleInstanceChange(event, ports);
  },
};

function common(parts: SandboxParts) {
  const { clock, ids, log, settings } = parts;
  return { clock, ids, log, settings, events: events(parts.bus, 'defib', log) };
}

function storesOf({ dynamo }: SandboxParts) {
  const table = { client: dynamo, name: TABLE };
  return {
    workspaces: workspaceStore(table),
    receipts: receiptStore(table),
    ledger: ledger(table),
    deadLetters: deadLetters(table),
    brake: brakeStore(table),
  };
}

function judgingPorts(parts: SandboxParts, queueUrls: Parameters<typeof queues>[1]) {
  return {
    ...common(parts),
    ...storesOf(parts),
    queues: queues(parts.sqs, queueUrls),
    ec2: watchedProbeOf(parts),
  };
}

function watchedProbeOf(parts: SandboxParts) {
  const health = ec2Health({ client: parts.dynamo, name: TABLE }, parts.log);
  return watchedProbe(probeOf(parts), watch(health, parts.clock));
}

function probeOf({ ec2, log }: SandboxParts) {
  return ec2Probe(log, () => Promise.resolve({ client: ec2, DescribeInstancesCommand }));
}

function api({ log, clock }: SandboxParts, handle: (call: ApiCall) => Promise<Answer>): Handler {
  return (event) => answerEvent({ log, clock, handle }, event as GatewayEvent);
}

function queue<T>(
  { log, sqs }: SandboxParts,
  name: QueueName,
  schema: z.ZodMiniType<T>,
  handle: (messages: readonly Received<T>[]) => Promise<ReadonlyMap<string, Settled>>,
): Handler {
  const consumer = {
    telemetry: { log },
    sqs,
    queueUrl: urls[name],
    deadLetterUrl: deadUrls[name],
    schema,
    handle,
  };
  return (event) => answerBatch(consumer, event as SQSEvent);
}
