import { expect, it } from 'vitest';
import { nextDeliveryStep } from '../../core/parking.ts';
import { aRequest, at, aWorkspace, policy } from './builders.ts';

it('a clock that says it is before 1970 - the message waits by its age, not until a time that nobody knows', () => {
  const request = aRequest();
  const view = {
    request,
    enqueueNo: request.enqueueNo,
    receives: 1,
    workspace: aWorkspace(),
    now: at(-1),
    policy,
  };
  expect(nextDeliveryStep(view)).toStrictEqual({ do: 'defer', because: 'not-before', soon: false });
});
