/** One world: the deployed code over simulated AWS, a fleet with its callers and operators, and the oracles over all. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { LogFields } from '../../lambdas/ports/log.ts';
import { policyOf, type Policy } from '../../core/policy.ts';
import type { RequestState } from '../../core/parking.ts';
import { agentsOf } from './agents.ts';
import { simulatedDynamo, type Change, type Key, type SimulatedDynamo } from './aws/dynamodb.ts';
import { simulatedEventBridge, type SimulatedEventBridge } from './aws/eventbridge.ts';
import type { Message } from './aws/sqs.ts';
import { sendBeat } from './beats.ts';
import { SimulatedFleet } from './ec2.ts';
import { handlerOf, TABLE, type Handler, type QueueName } from './functions.ts';
import { callApi, type ApiAnswer, type ApiRequest } from './gateway.ts';
import type { Invocation } from './invocation.ts';
import { Lambda } from './lambda.ts';
import { Machine, type BeatOptions } from './machine.ts';
import { Oracles } from './oracles.ts';
import type { CalmWitness } from './oracles/deadlines.ts';
import type { Oddity } from './oracles/odd.ts';
import { requestIn, type Violation } from './oracles/witness.ts';
import type { Plan } from './plan.ts';
import { Queues } from './queues.ts';
import { seeded, type Random } from './random.ts';
import { clockOf, idsOf, logOf, type LogBook, type Sandbox } from './sandbox.ts';
import { scheduler, type Scheduler } from './scheduler.ts';
import { sdkOf, type CallWorld, type Command, type Gate, type Sdk, type Service } from './sdk.ts';
import type { Weights } from './swarm.ts';
import { traceOf, type Trace } from './trace.ts';
import { Truth, type Member } from './truth.ts';
import { calledBy, leftBy, shownTo, type Code } from './versions.ts';

export const BEGINS_MS = Date.parse('2026-11-24T12:00:00Z');
/** An eventually consistent read lags by less than a second, as a rule; by more, what is wrong shows sooner. */
const LONGEST_READ_AGE_MS = 3000;

export class World implements CallWorld, CalmWitness, LogBook {
  readonly plan: Plan;
  readonly random: Random;
  readonly time: Scheduler;
  readonly trace: Trace;
  readonly weights: Weights;
  readonly policy: Policy;
  readonly truth = new Truth();
  readonly oracles: Oracles;
  readonly dynamo: SimulatedDynamo;
  readonly bus: SimulatedEventBridge;
  readonly queues: Queues;
  readonly ec2: SimulatedFleet;
  readonly lambda: Lambda;
  readonly violations: Violation[] = [];
  /** What has happened, and how often. */
  readonly counts = new Map<string, number>();
  /** When faults end. */
  calmAtMs: number;
  /** The days that went by in a moment. */
  leaptMs = 0;
  isCalm = false;
  readonly deployEnds: Code;
  acting: Invocation | undefined;
  gate: Gate | undefined;
  liarUntilMs = 0;
  readonly #downUntilMs = new Map<Service, number>();
  #numbers = 0;
  #isCollecting = false;
  #isLeaving = false;
  #changes: Change[] = [];
  #boots = 0;

  constructor(plan: Plan, { keepsLines }: { readonly keepsLines: boolean }) {
    this.plan = plan;
    this.random = seeded(plan.seed ^ 0x2545f491);
    this.time = scheduler(BEGINS_MS);
    this.trace = traceOf({ keepsLines });
    this.weights = plan.weights;
    this.policy = policyOf(plan.settings);
    // A version that writes items of its own can't be taken back.
    const { newerCode, newerItems } = plan.weights;
    this.deployEnds = newerCode > 0 && (newerItems > 0 || plan.seed % 2 === 0) ? 'newer' : 'this';
    this.calmAtMs = BEGINS_MS + plan.minutes * 60_000;
    this.oracles = new Oracles(this);
    this.dynamo = simulatedDynamo({
      nowMs: () => this.time.nowMs(),
      tableName: TABLE,
      readAgeMs: () => this.#readAgeMs(),
      longestReadAgeMs: LONGEST_READ_AGE_MS,
      onChange: (change) => {
        if (this.#isLeaving) {
          this.oracles.left(change);
          return;
        }
        if (this.#isCollecting) this.oracles.expired(change);
        else this.oracles.changed(change);
        this.#changes.push(change);
      },
    });
    this.bus = simulatedEventBridge({
      nowMs: () => this.time.nowMs(),
      onEvent: ({ type, detail }) => {
        this.seen(`event ${type}`);
        this.oracles.news(type, detail);
      },
    });
    this.queues = new Queues(this);
    this.ec2 = new SimulatedFleet(this);
    this.lambda = new Lambda(this, (sandbox) => this.#handlerIn(sandbox));
  }

  get callersStay(): boolean {
    return this.plan.callersStay;
  }

  nowMs(): number {
    return this.time.nowMs();
  }

  seen(what: string, times = 1): void {
    if (times > 0) this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }

  broken(invariant: string, what: string): void {
    this.violations.push({ invariant, what, atMs: this.time.nowMs() });
    this.trace.note(this.time.nowMs(), 'oracle', `${invariant} BROKEN: ${what}`);
  }

  note(who: string, what: string): void {
    this.trace.note(this.time.nowMs(), who, what);
  }

  stored(pk: string, sk: string) {
    return this.dynamo.item(pk, sk);
  }

  requestState(requestId: string): RequestState | undefined {
    return requestIn(this.stored(`REQ#${requestId}`, 'REQUEST'))?.state;
  }

  launchTimeOf(instanceId: string): number | undefined {
    return this.ec2.launchTimeOf(instanceId);
  }

  isDown(service: Service): boolean {
    return this.time.nowMs() < (this.#downUntilMs.get(service === 'power' ? 'ec2' : service) ?? 0);
  }

  goesDown(service: Service, forMs: number): void {
    this.#downUntilMs.set(service, this.time.nowMs() + forMs);
  }

  nextNumber(): number {
    this.#numbers += 1;
    return this.#numbers;
  }

  nextBootId(): string {
    this.#boots += 1;
    return `boot-${this.#boots}`;
  }

  /** A new instance for a workspace, that starts at once. */
  launch(workspaceId: string, beats: BeatOptions): Machine {
    const instanceId = `i-${(this.truth.machines.size + 1).toString(16).padStart(17, '0')}`;
    const machine = new Machine(this, { instanceId, workspaceId, beats });
    this.truth.machines.set(instanceId, machine);
    this.ec2.add(machine);
    return machine;
  }

  beat(machine: Machine): void {
    sendBeat(this, machine);
  }

  headOf(workspaceId: string): Message | undefined {
    return this.queues.headOf(workspaceId);
  }

  /** Time goes by, and nothing happens. What lies in a queue for longer than it keeps it is gone. */
  leaps(ms: number): void {
    this.time.leap(ms);
    this.calmAtMs += ms;
    this.leaptMs += ms;
    this.lambda.recycle();
    this.oracles.tooOld();
    this.queues.replanAll();
    this.note('world', `${Math.round(ms / 8_640_000) / 10} days later`);
  }

  /** DynamoDB removes some of what has expired; gives how much. */
  collect(which: (key: Key) => boolean): number {
    this.#isCollecting = true;
    try {
      return this.dynamo.removeExpired(which);
    } finally {
      this.#isCollecting = false;
    }
  }

  threw(invocation: Invocation): void {
    this.oracles.odd.threw(invocation);
  }

  answered(request: ApiRequest, answer: ApiAnswer, calledMs: number): void {
    this.oracles.answered(request, answer, calledMs);
  }

  call(request: ApiRequest): Promise<ApiAnswer | undefined> {
    return callApi(this, request);
  }

  sendRaw(queue: QueueName, body: string, what: Oddity): void {
    this.queues.sendRaw(queue, body, what);
  }

  purge(): void {
    this.queues.purge();
    this.oracles.requests.purged();
  }

  counted(metric: string): void {
    this.seen(`metric ${metric}`);
  }

  said(sandbox: Sandbox, level: string, message: string, fields: LogFields, error?: unknown): void {
    this.oracles.logged(message, fields, sandbox.invocation?.number ?? 0);
    if (!this.trace.keepsLines && level !== 'error') return;
    const text = `${message} ${JSON.stringify(fields)}${error instanceof Error ? ` ${error.name}: ${error.message}` : ''}`;
    this.trace.note(
      this.time.nowMs(),
      `${sandbox.fn}#${sandbox.invocation?.number ?? 0}`,
      `${level}: ${text}`,
    );
  }

  /** No more faults: what is cut is whole again, clocks are right, what is stuck gets loose. */
  becomesCalm(): void {
    this.isCalm = true;
    this.liarUntilMs = 0;
    this.#downUntilMs.clear();
    this.lambda.recycle();
    this.ec2.heal();
    this.queues.pokeAll();
    for (const member of this.truth.members) calmed(member);
    this.note('world', 'calm from here on');
  }

  /** How old what a read shows may be, where it does not ask for the newest. */
  #readAgeMs(): number {
    if (this.isCalm || !this.random.chance(this.weights.staleRead)) return 0;
    this.seen('stale read');
    return this.random.between(1, LONGEST_READ_AGE_MS);
  }

  /** The database as that code leaves it, and as it reads it. */
  #database(code: Code, command: Command): object {
    this.#changes = [];
    try {
      const output = this.dynamo.run(command);
      this.#isLeaving = true;
      for (const change of this.#changes) {
        const left = leftBy(code, change, this.weights);
        if (left) this.dynamo.put(left);
      }
      return shownTo(code, output);
    } catch (error) {
      if (code === 'newer') Object.assign(error as object, shownTo(code, { ...(error as object) }));
      throw error;
    } finally {
      this.#isLeaving = false;
    }
  }

  #handlerIn(sandbox: Sandbox): Handler {
    const log = logOf(sandbox, this);
    const client = (service: Service, run: (command: Command, invocation: Invocation) => unknown): Sdk =>
      sdkOf(this, sandbox, service, run);
    const ec2 = (command: Command, invocation: Invocation): object => this.ec2.run(command, invocation);
    return handlerOf(sandbox.fn, {
      clock: clockOf(this.time, sandbox, log),
      ids: idsOf(this.random),
      log,
      settings: this.plan.settings,
      dynamo: client('dynamo', (command, invocation) => {
        this.oracles.called(command, invocation);
        return this.#database(sandbox.code, command);
      }) as unknown as DynamoDBDocumentClient,
      sqs: client('sqs', (asked, invocation) => {
        const command = calledBy(sandbox.code, asked, this.weights);
        this.oracles.called(command, invocation);
        return this.queues.run(command);
      }) as unknown as SQSClient,
      ec2: client('ec2', ec2) as unknown as EC2Client,
      power: client('power', ec2) as unknown as EC2Client,
      bus: client('events', (command) => this.bus.run(command)) as unknown as EventBridgeClient,
      agents: agentsOf(this, sandbox),
      cidrs: ['10.0.0.0/16'],
    });
  }
}

function calmed(member: Member): void {
  member.cutFromDefibUntilMs = 0;
  member.cutFromProxyUntilMs = 0;
  const { machine } = member;
  if (machine.agent === 'hung' || machine.agent === 'starved') machine.feels('up');
}
