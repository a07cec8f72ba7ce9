import { describe, expect, test } from 'vitest';
import { defaultSettings, type PolicySettings } from '../../core/policy.ts';
import { fleetSettings } from '../../lib/settings.ts';
import { awsStage } from './synthesized.ts';

describe('a policy', () => {
  test('says nothing - the defaults hold', () => {
    expect(fleetSettings({})).toEqual(defaultSettings);
  });

  test('is wrong in several places - the construct refuses it and lists them all', () => {
    const policy = { settleSeconds: 1, reprobeSeconds: 11 };
    expect(() => awsStage({ policy })).toThrow(
      /policy can't be used:\n- Expected settleSeconds to be from 5 to 3600, got 1\n- Expected reprobeSeconds/,
    );
  });

  test('names a setting that does not exist - it is refused, with the names that do', () => {
    const policy = { settleSecond: 60 } as Partial<PolicySettings>;
    expect(() => awsStage({ policy })).toThrow(/Expected one of settleSeconds, .*, got settleSecond/);
  });

  test('has good values that are impossible together - it is refused', () => {
    expect(() => awsStage({ policy: { skewSeconds: 60 } })).toThrow(/skewSeconds to be at most freshSeconds/);
  });
});
