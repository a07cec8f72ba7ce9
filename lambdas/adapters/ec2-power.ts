/**
 * `ec2_start` and `ec2_stop`: the only two calls of Defib that change the world, bundled into the restart function
 * alone. No SDK retries: Start and Stop take no client token, and a late repeat of a Stop would hit the next boot
 * (S9). What a lost answer did is found out by looking at the instance again.
 */
import { EC2Client, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import type { Ec2Power, PowerOutcome } from '../ports/ec2.ts';
import { clientDefaults } from './table.ts';

/** Errors after which the same call may succeed later; nothing was done. */
const tryAgainCodes = new Set([
  'IncorrectInstanceState',
  'InsufficientInstanceCapacity',
  'InsufficientHostCapacity',
  'InsufficientReservedInstanceCapacity',
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'ServiceUnavailable',
  'Unavailable',
]);

/** Errors that no repeat will mend; nothing was done. */
const refusedCodes = new Set([
  'UnauthorizedOperation',
  'AccessDenied',
  'AuthFailure',
  'OperationNotPermitted',
  'UnsupportedOperation',
  'InvalidInstanceID.NotFound',
  'InvalidInstanceID.Malformed',
  'InvalidParameterValue',
  'InvalidKMSKey.InvalidState',
]);

export function openEc2Power(): EC2Client {
  return new EC2Client({ ...clientDefaults, maxAttempts: 1 });
}

export function ec2Power(client: EC2Client): Ec2Power {
  return {
    start: (instanceId) =>
      outcomeOf(async () => {
        const output = await client.send(new StartInstancesCommand({ InstanceIds: [instanceId] }));
        return output.StartingInstances?.find((change) => change.InstanceId === instanceId)?.PreviousState
          ?.Name;
      }),
    stop: (instanceId) =>
      outcomeOf(async () => {
        const output = await client.send(new StopInstancesCommand({ InstanceIds: [instanceId] }));
        return output.StoppingInstances?.find((change) => change.InstanceId === instanceId)?.PreviousState
          ?.Name;
      }),
  };
}

async function outcomeOf(call: () => Promise<string | undefined>): Promise<PowerOutcome> {
  try {
    const previousState = await call();
    return previousState === undefined
      ? { kind: 'unclear', code: 'no-state-in-answer' }
      : { kind: 'done', previousState };
  } catch (error) {
    const code = error instanceof Error ? error.name : 'unknown';
    if (tryAgainCodes.has(code)) return { kind: 'try-again', code };
    if (refusedCodes.has(code)) return { kind: 'refused', code };
    // A time-out, a broken connection, a 5xx: it may have been done.
    return { kind: 'unclear', code };
  }
}
