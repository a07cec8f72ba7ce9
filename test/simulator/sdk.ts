/**
 * A client of AWS as a sandbox holds it. Each send is a scheduling point: it takes a moment, and it may fail, be done but
 * reported as failed, take long, or be the last thing that its invocation does. What the SDK repeats is repeated here.
 */
import type { Invocation } from './invocation.ts';
import type { Random } from './random.ts';
import { running, type Sandbox } from './sandbox.ts';
import type { Scheduler } from './scheduler.ts';
import type { Weights } from './swarm.ts';
import type { Trace } from './trace.ts';

export type Service = 'dynamo' | 'sqs' | 'ec2' | 'power' | 'events';

/** Tries of the SDK, by the clients that the adapters open. */
const mostTries: Record<Service, number> = { dynamo: 3, sqs: 3, events: 3, ec2: 2, power: 1 };
const throttleNames: Record<Service, string> = {
  dynamo: 'ThrottlingException',
  sqs: 'RequestThrottled',
  events: 'ThrottlingException',
  ec2: 'RequestLimitExceeded',
  power: 'RequestLimitExceeded',
};
/** Beyond this the SDK gives a request up. */
const SLOWEST_MS = 2900;
export const LONGEST_FREEZE_MS = 11 * 60_000;

export interface CallWorld {
  readonly random: Random;
  readonly time: Scheduler;
  readonly trace: Trace;
  readonly weights: Weights;
  /** Whether faults may happen still. */
  isCalm: boolean;
  isDown(service: Service): boolean;
  /** Who does what is being done at this moment: for the oracles. */
  acting: Invocation | undefined;
  seen(what: string): void;
  /** Where somebody else decides what goes next: the search through all interleavings. */
  gate?: Gate | undefined;
}

/** Effects that wait to be let go, in the order in which they were asked for. */
export interface Gate {
  readonly waiting: Waiting[];
}
export interface Waiting {
  readonly who: string;
  readonly what: string;
  /** Lets it happen; `dies`: and it is the last thing that its invocation does. */
  go(dies: boolean): void;
}

export interface Command {
  readonly input: object;
}
export interface Sdk {
  send(command: Command): Promise<unknown>;
}

const callFaults = ['crashBefore', 'error', 'throttled', 'lost', 'crashAfter', 'slow', 'frozen'] as const;
type Outcome = (typeof callFaults)[number] | 'ok';

class CallFailedError extends Error {
  readonly $retryable = {};

  constructor(name: string) {
    super(name);
    this.name = name;
  }
}

interface Call {
  readonly invocation: Invocation;
  readonly service: Service;
  readonly command: Command;
  readonly run: (command: Command, invocation: Invocation) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** The share of calls with which anything goes wrong. */
  readonly faultShare: number;
  tries: number;
}

export function sdkOf(
  world: CallWorld,
  sandbox: Sandbox,
  service: Service,
  run: (command: Command, invocation: Invocation) => unknown,
): Sdk {
  const faultShare = callFaults.reduce((sum, name) => sum + world.weights[name], 0);
  return {
    send(command) {
      const invocation = running(sandbox);
      return new Promise((resolve, reject) => {
        attempt(world, { invocation, service, command, run, resolve, reject, faultShare, tries: 0 });
      });
    },
  };
}

function attempt(world: CallWorld, call: Call): void {
  const { random } = world;
  call.tries += 1;
  if (world.gate) {
    const { name, number } = call.invocation;
    const go = (dies: boolean): void => {
      carryOut(world, call, dies ? 'crashAfter' : 'ok', 0);
    };
    world.gate.waiting.push({ who: `${name}#${number}`, what: nameOf(call.command), go });
    return;
  }
  const outcome = draw(world, call);
  const latencyMs = 1 + random.between(0, 19);
  // A slow request may be slow on its way there or back.
  const slowMs = outcome === 'slow' ? random.between(100, SLOWEST_MS) : 0;
  const isSlowThere = slowMs > 0 && random.chance(0.5);
  const arrive = (): void => {
    if (outcome === 'crashBefore' || outcome === 'error' || outcome === 'throttled') {
      told(world, call, outcome);
      if (outcome === 'crashBefore') call.invocation.die('crash');
      else fail(world, call, outcome === 'error' ? 'TimeoutError' : throttleNames[call.service]);
      return;
    }
    carryOut(world, call, outcome, isSlowThere ? 0 : slowMs);
  };
  const thereMs = latencyMs + (isSlowThere ? slowMs : 0);
  // No fence keeps an act that waits in a frozen sandbox: EC2 knows of no claims. So a Start or Stop has left by then.
  if (call.service === 'power') call.invocation.leaves(thereMs, arrive);
  else call.invocation.after(thereMs, arrive);
}

function carryOut(world: CallWorld, call: Call, outcome: Outcome, backMs: number): void {
  world.acting = call.invocation;
  try {
    const value = call.run(call.command, call.invocation);
    told(world, call, outcome);
    conclude(world, call, outcome, { value, backMs });
  } catch (error) {
    if (call.tries > 1 && (error as Error).name === 'ConditionalCheckFailedException')
      world.seen('a repeat meets what it has done');
    told(world, call, `${outcome} ${(error as Error).name}`);
    conclude(world, call, outcome, { error: error as Error, backMs });
  } finally {
    world.acting = undefined;
  }
}

function conclude(
  world: CallWorld,
  call: Call,
  outcome: Outcome,
  { value, error, backMs }: { readonly value?: unknown; readonly error?: Error; readonly backMs: number },
): void {
  const answer = (): void => {
    if (error === undefined) call.resolve(value);
    else call.reject(error);
  };
  if (outcome === 'crashAfter') call.invocation.die('crash');
  else if (outcome === 'lost') fail(world, call, 'TimeoutError');
  else if (outcome === 'frozen') {
    call.invocation.freeze(world.random.between(1000, LONGEST_FREEZE_MS));
    call.invocation.after(0, answer);
  } else if (backMs > 0 || call.invocation.isFrozen) call.invocation.after(backMs, answer);
  else answer();
}

/** The SDK tries again; in half of the cases it has no luck with that either. */
function fail(world: CallWorld, call: Call, name: string): void {
  if (call.tries >= mostTries[call.service] || world.random.chance(0.5)) {
    call.reject(new CallFailedError(name));
    return;
  }
  call.invocation.after(world.random.between(20, 200), () => {
    attempt(world, call);
  });
}

function draw(world: CallWorld, { service, faultShare }: Call): Outcome {
  if (world.isDown(service)) return 'error';
  if (world.isCalm) return 'ok';
  let left = world.random.next();
  if (left >= faultShare) return 'ok';
  for (const outcome of callFaults) {
    left -= world.weights[outcome];
    if (left < 0) return outcome;
  }
  return 'ok';
}

function told(world: CallWorld, { invocation, service, command, tries }: Call, outcome: string): void {
  const { trace } = world;
  const nowMs = world.time.nowMs();
  trace.call(nowMs, invocation.number, tries, subjectOf(command), outcome);
  if (trace.keepsLines) {
    const which = tries === 1 ? '' : ` (try ${tries})`;
    trace.note(nowMs, `${invocation.name}#${invocation.number}`, `${nameOf(command)}${which} ${outcome}`);
  }
  if (outcome !== 'ok') world.seen(`call ${service} ${outcome}`);
}

/** What tells a call from another one, at no cost: a key, or a name. */
function subjectOf({ input }: Command): string {
  const { Key, Item, TableName, QueueUrl, InstanceIds } = input as AnyInput;
  const key = (Key ?? Item)?.pk;
  return typeof key === 'string' ? key : (TableName ?? QueueUrl ?? InstanceIds?.[0] ?? '');
}

type KeyLike = { pk?: unknown; sk?: unknown };
interface AnyInput {
  readonly Key?: KeyLike;
  readonly Item?: KeyLike;
  readonly RequestItems?: Record<string, { Keys?: KeyLike[] }>;
  readonly TransactItems?: readonly Record<string, { Key?: KeyLike; Item?: KeyLike }>[];
  readonly ExpressionAttributeValues?: Record<string, unknown>;
  readonly TableName?: string;
  readonly InstanceIds?: readonly string[];
  readonly Filters?: readonly { Values?: readonly string[] }[];
  readonly QueueUrl?: string;
  readonly VisibilityTimeout?: number;
  readonly Entries?: readonly { DetailType?: string }[];
}

/** What a call is, for the trace: its name and what it is about. */
function nameOf(command: Command): string {
  const input = command.input as AnyInput;
  const name = command.constructor.name.replace(/Command$/, '');
  const key = input.Key ?? input.Item;
  if (key) return `${name} ${keyText(key)}`;
  if (input.TransactItems) {
    const keys = input.TransactItems.map((item) => Object.values(item)[0]).map(
      (part) => part?.Key ?? part?.Item,
    );
    return `${name} ${keys.map((each) => keyText(each ?? {})).join(' ')}`;
  }
  if (input.RequestItems)
    return `${name} ${Object.values(input.RequestItems)
      .flatMap(({ Keys = [] }) => Keys.map(keyText))
      .join(' ')}`;
  if (input.InstanceIds) return `${name} ${input.InstanceIds.join(' ')}`;
  if (input.Filters) return `${name} ${(input.Filters[0]?.Values ?? []).join(' ')}`;
  if (input.Entries) return `${name} ${input.Entries[0]?.DetailType ?? ''}`;
  if (input.QueueUrl !== undefined) {
    const seconds = input.VisibilityTimeout === undefined ? '' : ` ${input.VisibilityTimeout} s`;
    return `${name} ${input.QueueUrl.slice(input.QueueUrl.lastIndexOf('/') + 1)}${seconds}`;
  }
  return `${name} ${String(Object.values(input.ExpressionAttributeValues ?? {})[0])}`;
}

function keyText({ pk, sk }: KeyLike): string {
  return `${String(pk)}/${String(sk)}`;
}
