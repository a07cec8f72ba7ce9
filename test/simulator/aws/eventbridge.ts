/** EventBridge's PutEvents, simulated below the client's `send(command)`. What it does not understand throws. */
import {
  EventBridgeServiceException,
  PutEventsCommand,
  type EventBridgeClient,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import { simulated, type Simulated } from './client.ts';

export interface PublishedEvent {
  readonly bus: string;
  readonly source: string;
  readonly type: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

export interface EventBridgeOptions {
  readonly nowMs: () => number;
  /** The error code of an entry that EventBridge does not take, though it takes the call. @default none */
  readonly refuses?: (event: PublishedEvent) => string | undefined;
  /** Told of each event that was taken. */
  readonly onEvent?: (event: PublishedEvent) => void;
}

export type SimulatedEventBridge = Simulated<EventBridgeClient>;

const MOST_ENTRIES = 10;
/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const LARGEST_BYTES = 256 * 1024;

export function simulatedEventBridge(options: EventBridgeOptions): SimulatedEventBridge {
  let sent = 0;
  const take = (
    entry: PutEventsRequestEntry,
  ): { EventId?: string; ErrorCode?: string; ErrorMessage?: string } => {
    const event = eventOf(entry, options.nowMs());
    const code = typeof event === 'string' ? event : options.refuses?.(event);
    if (code !== undefined || typeof event === 'string')
      return { ErrorCode: code ?? '', ErrorMessage: code ?? '' };
    options.onEvent?.(event);
    sent += 1;
    return { EventId: `event-${sent}` };
  };
  const run = (command: object): object => {
    if (!(command instanceof PutEventsCommand))
      throw new Error(`not understood: ${command.constructor.name}`);
    const { Entries: entries = [] } = command.input;
    if (entries.length === 0 || entries.length > MOST_ENTRIES)
      throw invalid(
        `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and ${MOST_ENTRIES}`,
      );
    const bytes = entries.reduce((sum, { Detail, Source, DetailType }) => {
      return sum + Buffer.byteLength(`${Detail ?? ''}${Source ?? ''}${DetailType ?? ''}`);
    }, 0);
    if (bytes > LARGEST_BYTES) throw invalid('Total size of the entries in the request is over the limit.');
    const Entries = entries.map(take);
    return {
      FailedEntryCount: Entries.filter(({ ErrorCode }) => ErrorCode !== undefined).length,
      Entries,
      $metadata: { httpStatusCode: 200 },
    };
  };
  return simulated<EventBridgeClient>(run);
}

/** The event of an entry, or the code for which it is not taken. */
function eventOf(entry: PutEventsRequestEntry, nowMs: number): PublishedEvent | string {
  const { Source: source, DetailType: type, Detail, EventBusName: bus = 'default' } = entry;
  if (!source || !type || !Detail) return 'InvalidArgument';
  if (source.startsWith('aws.')) return 'NotAuthorizedForSourceException';
  let detail: unknown;
  try {
    detail = JSON.parse(Detail);
  } catch {
    return 'MalformedDetail';
  }
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return 'MalformedDetail';
  return { bus, source, type, detail: detail as Record<string, unknown>, atMs: nowMs };
}

function invalid(message: string): EventBridgeServiceException {
  return new EventBridgeServiceException({
    name: 'ValidationException',
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
    message,
  });
}
