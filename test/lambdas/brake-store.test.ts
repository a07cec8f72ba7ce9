import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { emptyFleet } from '../../core/brake.ts';
import { brakeStore } from '../../lambdas/adapters/brake-store.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { mockedAws, TABLE } from './mocked-aws.ts';

/** The condition fails, and what it found there is made of what was to be written. */
const foundThere = (of: (written: Record<string, unknown>) => Record<string, unknown>) => {
  const aws = mockedAws();
  aws.dynamo.on(PutCommand).callsFake(({ Item = {} }: { Item?: Record<string, unknown> }) => {
    const found = marshall(of(Item), { removeUndefinedValues: true });
    throw new ConditionalCheckFailedException({ message: 'no', Item: found, $metadata: {} });
  });
  return brakeStore(openTable(TABLE));
};
const open = { ...emptyFleet, brake: 'open' } as const;

it('its answer was lost, and its repeat finds what it has written - replaced: it is the one who tells (S27)', async () => {
  const store = foundThere((written) => written);
  expect(await store.replace(emptyFleet, open)).toBe('replaced');
});

it('somebody else has written the next revision, the same in all else - lost', async () => {
  const store = foundThere((written) => ({ ...written, writtenBy: 'somebody-else' }));
  expect(await store.replace(emptyFleet, open)).toBe('lost');
});

it('an older version has written it, which does not say who it was - lost', async () => {
  const store = foundThere(({ writtenBy: _writtenBy, ...written }) => written);
  expect(await store.replace(emptyFleet, open)).toBe('lost');
});
