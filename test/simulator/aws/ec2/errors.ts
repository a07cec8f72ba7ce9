/** EC2's refusals, as the SDK throws them: the code is the error's name. */
import { EC2ServiceException } from '@aws-sdk/client-ec2';

export function ec2Error(code: string, message = code): EC2ServiceException {
  const isServer = code === 'InsufficientInstanceCapacity' || code === 'RequestLimitExceeded';
  return new EC2ServiceException({
    name: code,
    $fault: isServer ? 'server' : 'client',
    $metadata: { httpStatusCode: isServer ? 503 : 400 },
    message,
  });
}

export function noSuchInstance(id: string): EC2ServiceException {
  return ec2Error('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
}

export function wrongState(id: string, verb: string): EC2ServiceException {
  const message = `The instance '${id}' is not in a state from which it can be ${verb}.`;
  return ec2Error('IncorrectInstanceState', message);
}
