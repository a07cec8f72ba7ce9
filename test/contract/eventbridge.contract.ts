/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
import { PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { expect } from 'vitest';
import { suite, type Bench } from './bench.ts';
import { refusalName } from './table-calls.ts';

const put = ({ events, busName }: Bench, entries: readonly Partial<PutEventsRequestEntry>[]) =>
  events.send(
    new PutEventsCommand({
      Entries: entries.map((entry) => ({
        EventBusName: busName,
        Source: 'defib',
        DetailType: 'Restarted',
        Detail: '{"workspaceId":"ws-1"}',
        ...entry,
      })),
    }),
  );

export const eventBuses = suite('eventbridge', 'putting events', (say) => {
  say('an event is taken, and gets an id', async (bench) => {
    const output = await put(bench, [{}]);
    expect(output.FailedEntryCount).toBe(0);
    expect(output.Entries?.[0]?.EventId).toEqual(expect.any(String));
    expect(output.Entries?.[0]?.ErrorCode).toBeUndefined();
  });

  say(
    'a call with a bad entry succeeds, and says so of that entry alone',
    async (bench) => {
      const output = await put(bench, [{}, { Detail: 'not json' }, {}]);
      expect(output.FailedEntryCount).toBe(1);
      expect(output.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
        undefined,
        'MalformedDetail',
        undefined,
      ]);
    },
    { ministack: 'it takes any text for a detail' },
  );

  say('a source of AWS is not for us', async (bench) => {
    const output = await put(bench, [{ Source: 'aws.s3' }]);
    expect(output.Entries?.[0]?.ErrorCode).toBe('NotAuthorizedForSourceException');
  });

  say(
    'an event without source or type is not taken',
    async (bench) => {
      const output = await put(bench, [{ Source: undefined }, { DetailType: undefined }]);
      expect(output.FailedEntryCount).toBe(2);
      expect(output.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
        'InvalidArgument',
        'InvalidArgument',
      ]);
    },
    { ministack: 'it takes both' },
  );

  say('a call takes ten events at most', async (bench) => {
    await put(
      bench,
      Array.from({ length: 10 }, () => ({})),
    );
    const many = put(
      bench,
      Array.from({ length: 11 }, () => ({})),
    );
    expect(await refusalName(many)).toBe('ValidationException');
  });
});
