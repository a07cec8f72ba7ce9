/** IsRunning: one DescribeInstances for any number of instances. It reads; it has no other power. */
import type { DescribeInstancesCommand, EC2Client, Instance } from '@aws-sdk/client-ec2';
import { isInstanceState, type Probe, type UnknownCause } from '../../core/facts.ts';
import type { Ec2Probe, InstanceLook } from '../ports/ec2.ts';
import type { Log } from '../ports/log.ts';
import { clientDefaults } from './table.ts';

/** A filter takes this many values. */
const IDS_PER_CALL = 200;
/** One retry at most: a probe that takes long is no better than one that says "unknown". */
const PROBE_ATTEMPTS = 2;

const throttleCodes = new Set([
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
]);
const notFoundCodes = new Set(['InvalidInstanceID.NotFound', 'InvalidInstanceID.Malformed']);

/**
 * Asks EC2. The client is loaded when the first probe is made: most calls need none, and it is the largest part.
 * `load` is for tests.
 */
export function ec2Probe(log: Log, load: () => Promise<LoadedEc2> = loadSdk): Ec2Probe {
  let loading: Promise<LoadedEc2> | undefined;
  return {
    async look(instanceIds) {
      const looks = new Map<string, InstanceLook>();
      for (let start = 0; start < instanceIds.length; start += IDS_PER_CALL) {
        const ids = [...new Set(instanceIds.slice(start, start + IDS_PER_CALL))];
        try {
          loading ??= load();
          const { client, DescribeInstancesCommand } = await loading;
          // By filter, not by InstanceIds: an unknown id is then absent instead of failing the whole call.
          const output = await client.send(
            new DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: ids }] }),
          );
          const found = (output.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? []);
          for (const id of ids) looks.set(id, lookOf(id, found));
        } catch (error) {
          const cause = causeOf(error);
          log.warn('probe failed', {
            cause,
            error: error instanceof Error ? error.name : 'unknown',
            ids: ids.length,
          });
          for (const id of ids) looks.set(id, { probe: { kind: 'unknown', cause }, tags: {} });
        }
      }
      return looks;
    },
  };
}

/** What a probe needs of the SDK. */
export interface LoadedEc2 {
  readonly client: Pick<EC2Client, 'send'>;
  readonly DescribeInstancesCommand: typeof DescribeInstancesCommand;
}

async function loadSdk(): Promise<LoadedEc2> {
  const sdk = await import('./ec2-client.ts');
  return {
    client: new sdk.EC2Client({ ...clientDefaults, maxAttempts: PROBE_ATTEMPTS }),
    DescribeInstancesCommand: sdk.DescribeInstancesCommand,
  };
}

/** What the answer says of one id. The answer may hold others, or the same one twice: then nothing is known. */
function lookOf(id: string, found: readonly Instance[]): InstanceLook {
  const matching = found.filter((instance) => instance.InstanceId === id);
  const [instance] = matching;
  if (!instance) return { probe: { kind: 'unknown', cause: 'absent' }, tags: {} };
  if (matching.length > 1) return { probe: { kind: 'unknown', cause: 'malformed' }, tags: {} };
  const tags = Object.fromEntries((instance.Tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
  return {
    probe: probeOf(id, instance),
    tags,
    make: makeOf(instance),
    ...(instance.PrivateIpAddress !== undefined && { privateIp: instance.PrivateIpAddress }),
  };
}

function probeOf(id: string, instance: Instance): Probe {
  const state = instance.State?.Name;
  if (!isInstanceState(state)) return { kind: 'unknown', cause: 'malformed' };
  const launchTimeMs = instance.LaunchTime?.getTime();
  const isKnown = launchTimeMs !== undefined && Number.isFinite(launchTimeMs);
  const stateReason = instance.StateReason?.Code;
  const stoppedAtMs = timeIn(instance.StateTransitionReason);
  return {
    kind: 'seen',
    state,
    instanceId: id,
    ...(isKnown && { launchTimeMs }),
    ...(stateReason !== undefined && { stateReason }),
    ...(stoppedAtMs !== undefined && { stoppedAtMs }),
  };
}

/** The time in a StateTransitionReason, `User initiated (2026-11-24 12:00:00 GMT)`; undefined where there is none. */
function timeIn(transitionReason: string | undefined): number | undefined {
  const text = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:GMT|UTC)\)/.exec(transitionReason ?? '');
  const atMs = text ? Date.parse(`${text[1]}T${text[2]}Z`) : NaN;
  return Number.isFinite(atMs) ? atMs : undefined;
}

/** What tells a replacement apart from any other instance, as far as EC2 still says it. */
function makeOf({
  ImageId,
  InstanceType,
  Placement,
  KeyName,
  SubnetId,
}: Instance): NonNullable<InstanceLook['make']> {
  const known = Object.entries({
    imageId: ImageId,
    instanceType: InstanceType,
    availabilityZone: Placement?.AvailabilityZone,
    keyName: KeyName,
    subnetId: SubnetId,
  }).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
  return Object.fromEntries(known);
}

function causeOf(error: unknown): UnknownCause {
  const name = error instanceof Error ? error.name : '';
  if (throttleCodes.has(name)) return 'throttled';
  return notFoundCodes.has(name) ? 'not-found' : 'error';
}
