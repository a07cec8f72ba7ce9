/** SQS's refusals, as the SDK throws them. */
import { SQSServiceException } from '@aws-sdk/client-sqs';

export const sqsErrors = {
  noSuchQueue: 'QueueDoesNotExist',
  badHandle: 'ReceiptHandleIsInvalid',
  notInFlight: 'MessageNotInflight',
  badValue: 'InvalidParameterValue',
  missing: 'MissingParameter',
  badCharacters: 'InvalidMessageContents',
  overLimit: 'OverLimit',
} as const;

export function refused(why: keyof typeof sqsErrors, message: string): SQSServiceException {
  return new SQSServiceException({
    name: sqsErrors[why],
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
    message,
  });
}
