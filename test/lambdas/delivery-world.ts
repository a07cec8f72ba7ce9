/** A request that was parked nine seconds ago, as deliver finds it, and an agent that answers as it is told. */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect } from 'vitest';
import type { ParkedMessage } from '../../core/messages.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import { handleDeliveries } from '../../lambdas/deliver/handle.ts';
import type { AgentAnswer, AgentRequest } from '../../lambdas/ports/agents.ts';
import type { Received } from '../../lambdas/ports/queues.ts';
import { received } from './calls.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, QUEUE } from './mocked-aws.ts';
import { allPortsOver } from './one-workspace.ts';
import { aMessage, answered, aRow, REQUEST } from './parked.ts';

export { REQUEST };
export const message = aMessage();
const row = aRow();

/** What is noted of a message that was just received, and put off. */
export const justReceived = {
  receivedAtMs: NOW_MS,
  receivedSequence: '7',
  nextDueAtMs: expect.any(Number) as number,
};

class DeliveryWorld {
  aws!: ReturnType<typeof mockedAws>;
  ports!: ReturnType<typeof allPortsOver>;
  /** What the agent was sent. */
  asked: AgentRequest[] = [];
  answer: AgentAnswer = answered(200);

  begin(): void {
    this.aws = mockedAws();
    this.asked = [];
    this.answer = answered(200);
    this.ports = allPortsOver(this.aws, (request) => {
      this.asked.push(request);
      return this.answer;
    });
    ec2Shows(this.aws, 'running');
  }

  /** What the table holds: the request's row, its workspace, and more. */
  hold = (
    changes: Partial<ParkedRequest> = {},
    workspace = aStoredWorkspace(),
    more: Record<string, unknown>[] = [],
  ): void => {
    holds(this.aws, workspace, [{ pk: `REQ#${REQUEST}`, sk: 'REQUEST', ...row, ...changes }, ...more]);
  };

  settle = async (changes: Partial<ParkedMessage> = {}, receipt: Partial<Received<ParkedMessage>> = {}) => {
    const head = received({ ...message, ...changes }, { sequence: '7', ...receipt });
    return (await handleDeliveries([head], this.ports)).get('message-1');
  };

  endings = () =>
    this.aws.dynamo
      .commandCalls(TransactWriteCommand)
      .map((call) => call.args[0].input.TransactItems?.[0]?.Update?.ExpressionAttributeValues)
      .map((values) => ({
        state: values?.[':state'] as string,
        why: values?.[':why'] as string | undefined,
      }));

  reports = () =>
    this.aws.sqs
      .commandCalls(SendMessageCommand)
      .filter((call) => call.args[0].input.QueueUrl === QUEUE.reprobe);
}

/** Begins anew for each test of a file. */
export function deliveryWorld(): DeliveryWorld {
  const world = new DeliveryWorld();
  beforeEach(() => {
    world.begin();
  });
  return world;
}
