/** Workspaces on the local stack as its users have them: an instance, a registration, an agent that beats. */
import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  RunInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { ApiAnswer, ApiClient } from '../../local/api-client.ts';
import { callAs } from '../../local/callers.ts';
import { adminClients } from '../../local/clients.ts';
import { startAgent, type AgentServer } from './agent-server.ts';
import { ownStack } from './stacks.ts';
import { until } from './wait.ts';

export const local = ownStack().info;
export const admin = adminClients(local);

const clients = new Map<string, Promise<ApiClient>>();
/** The API as a role sees it; one client a session. */
export function as(role: 'proxy' | 'operator' | 'agent', session = `${role}-1`): Promise<ApiClient> {
  const key = `${role}/${session}`;
  const known = clients.get(key) ?? callAs(local, role, session);
  clients.set(key, known);
  return known;
}

export type Body = Record<string, unknown>;
export const bodyOf = (answer: ApiAnswer): Body => answer.body as Body;

/** Orders faults of the EC2 proxy, beside those that are there. */
export async function faults(order: Body): Promise<void> {
  const response = await fetch(`${local.ec2ControlUrl}/faults`, {
    method: 'PUT',
    body: JSON.stringify(order),
  });
  if (!response.ok) throw new Error(`faults refused: ${await response.text()}`);
}

export async function noFaults(): Promise<void> {
  await fetch(`${local.ec2ControlUrl}/faults`, { method: 'DELETE' });
}

/** How often an EC2 call has reached the proxy for an instance. */
export async function ec2Calls(action: string, instanceId: string): Promise<number> {
  const response = await fetch(`${local.ec2ControlUrl}/calls`);
  const calls = (await response.json()) as Record<string, Record<string, number>>;
  return calls[action]?.[instanceId] ?? 0;
}

export async function launch(tagged = true): Promise<string> {
  const output = await admin.ec2.send(
    new RunInstancesCommand({
      ImageId: 'ami-12345678',
      MinCount: 1,
      MaxCount: 1,
      ...(tagged && { TagSpecifications: [{ ResourceType: 'instance', Tags: [local.workspaceTag] }] }),
    }),
  );
  const id = output.Instances?.[0]?.InstanceId;
  if (id === undefined) throw new Error('no instance was launched');
  return id;
}

export async function instanceState(instanceId: string): Promise<string | undefined> {
  const output = await admin.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
  return output.Reservations?.[0]?.Instances?.[0]?.State?.Name;
}

export const untilInstanceIs = (instanceId: string, state: string) =>
  until(`${instanceId} is ${state}`, async () =>
    (await instanceState(instanceId)) === state ? true : undefined,
  );

/** The operator's console: stops the instance from outside, and waits until it is stopped. */
export async function stopFromOutside(instanceId: string): Promise<void> {
  await admin.ec2.send(new StopInstancesCommand({ InstanceIds: [instanceId] }));
  await untilInstanceIs(instanceId, 'stopped');
}

export const tag = (instanceId: string, key: string, value: string) =>
  admin.ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags: [{ Key: key, Value: value }] }));

export interface TestWorkspace {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly agent: AgentServer;
  beat(bootId: string, seq: number, more?: Body): Promise<ApiAnswer>;
  report(body: Body, headers?: Record<string, string>): Promise<ApiAnswer>;
  show(): Promise<Body>;
  verdict(verdictId: unknown): Promise<Body>;
  /** Waits until a verdict is final. */
  finalVerdict(verdictId: unknown): Promise<Body>;
  request(requestId: unknown): Promise<Body>;
  untilRequestIs(requestId: unknown, state: string): Promise<Body>;
  /** Waits until the settle window has ended. */
  untilSettled(): Promise<void>;
}

let named = 0;

/** A registered workspace on a running instance with a live agent. */
export async function aWorkspace(policy: Body = {}): Promise<TestWorkspace> {
  named += 1;
  const workspaceId = `e2e-${Date.now().toString(36)}-${named}`;
  const [instanceId, agent] = await Promise.all([launch(), startAgent()]);
  await untilInstanceIs(instanceId, 'running');
  const operator = await as('operator');
  const path = `/workspaces/${workspaceId}`;
  const registered = await operator.call('PUT', path, { instanceId, port: agent.port, policy });
  if (registered.status !== 201) throw new Error(`not registered: ${JSON.stringify(registered)}`);
  const get = async (what: string) => bodyOf(await operator.call('GET', what));
  const workspace: TestWorkspace = {
    workspaceId,
    instanceId,
    agent,
    beat: async (bootId, seq, more = {}) =>
      (await as('agent', instanceId)).call('POST', `${path}/heartbeats`, { bootId, seq, ...more }),
    report: async (body, headers) =>
      (await as('proxy')).call('POST', `${path}/forward-errors`, body, headers),
    show: () => get(path),
    verdict: (verdictId) => get(`${path}/verdicts/${String(verdictId)}`),
    finalVerdict: (verdictId) =>
      until(`verdict ${String(verdictId)} is final`, async () => {
        const receipt = await workspace.verdict(verdictId);
        return receipt['verdict'] === 'pending' ? undefined : receipt;
      }),
    request: (requestId) => get(`/requests/${String(requestId)}`),
    untilRequestIs: async (requestId, state) => {
      let last: Body = {};
      return until(
        `request ${String(requestId)} is ${state}`,
        async () => {
          last = await workspace.request(requestId);
          return last['state'] === state ? last : undefined;
        },
        { seen: () => JSON.stringify(last) },
      );
    },
    untilSettled: async () => {
      await until(`${workspaceId} has settled`, async () =>
        (await workspace.show())['settling'] === null ? true : undefined,
      );
    },
  };
  return workspace;
}

/** One whose agent has beaten: it settles, so a request is parked, and is delivered at once. */
export async function aReadyWorkspace(): Promise<TestWorkspace> {
  const workspace = await aWorkspace();
  await workspace.beat('boot-1', 1);
  return workspace;
}

export const aRequest = (id: string, more: Body = {}) => ({
  id,
  method: 'POST',
  path: '/a2a?x=1',
  headers: { 'content-type': 'text/plain' },
  body: Buffer.from(`hello ${id}`).toString('base64'),
  ...more,
});
