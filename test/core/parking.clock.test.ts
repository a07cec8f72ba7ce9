import { expect, it } from 'vitest';
import { at } from './builders.ts';
import { step } from './delivery-step.ts';

it('a clock that says it is before 1970 - the message waits by its age, not until a time that nobody knows', () => {
  expect(step({ now: at(-1) })).toStrictEqual({ do: 'defer', because: 'not-before', soon: false });
});
