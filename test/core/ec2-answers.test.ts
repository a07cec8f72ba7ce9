import { describe, expect, it } from 'vitest';
import { answersBadly, isFailedAct, isFailedProbe, noAnswers } from '../../core/ec2-answers.ts';
import { unknownCauses } from '../../core/facts.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import { policy } from './builders.ts';

it('before anybody has asked, EC2 has neither answered nor failed', () => {
  expect(noAnswers).toEqual({ answered: 0, failed: 0 });
});

describe('EC2 is in doubt', () => {
  it.each([
    [0, 0, false],
    [0, 10, false],
    [0, 11, true],
    [11, 11, false],
    [10, 11, true],
    [1000, 100, false],
  ])('%i answered, %i failed - %s', (answered, failed, isDoubted) => {
    expect(answersBadly({ answered, failed }, policy)).toBe(isDoubted);
  });

  it('with the brake out of the way, or the share at one - never', () => {
    const all = { answered: 0, failed: 900 };
    expect(answersBadly(all, policyOf({ ...defaultSettings, brakeMinimum: 1000 }))).toBe(false);
    expect(answersBadly(all, policyOf({ ...defaultSettings, brakeEc2Share: 1 }))).toBe(false);
    expect(answersBadly(noAnswers, policyOf({ ...defaultSettings, brakeEc2Share: 0 }))).toBe(false);
  });
});

describe('what counts as a bad answer', () => {
  it('a probe that was throttled or failed; not an instance that is not there', () => {
    expect(unknownCauses.filter(isFailedProbe)).toEqual(['throttled', 'error']);
  });

  it.each([
    ['done', '', false],
    ['refused', 'UnauthorizedOperation', false],
    ['try-again', 'InsufficientInstanceCapacity', false],
    ['try-again', 'IncorrectInstanceState', false],
    ['try-again', 'RequestLimitExceeded', true],
    ['try-again', 'Throttling', true],
    ['try-again', 'ThrottlingException', true],
    ['try-again', 'ServiceUnavailable', true],
    ['try-again', 'Unavailable', true],
    ['try-again', '', false],
    ['refused', 'Throttling', false],
    ['done', 'Throttling', false],
    ['unclear', 'TimeoutError', true],
  ] as const)('an act that ends %s %s - %s', (kind, code, isFailed) => {
    expect(isFailedAct(kind, code)).toBe(isFailed);
  });
});
