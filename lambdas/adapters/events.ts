/** Defib's own events on EventBridge: news for others. State never depends on them, so a failure is counted, not thrown. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Events } from '../ports/events.ts';
import type { Log } from '../ports/log.ts';
import { clientDefaults } from './table.ts';

export function openEventBridge(): EventBridgeClient {
  return new EventBridgeClient(clientDefaults);
}

export function events(client: EventBridgeClient, busName: string, log: Log): Events {
  return {
    async publish(type, detail) {
      try {
        const output = await client.send(
          new PutEventsCommand({
            Entries: [
              { EventBusName: busName, Source: 'defib', DetailType: type, Detail: JSON.stringify(detail) },
            ],
          }),
        );
        if ((output.FailedEntryCount ?? 0) > 0) throw new Error(output.Entries?.[0]?.ErrorCode ?? 'refused');
        return true;
      } catch (error) {
        log.error('event not published', { type }, error);
        log.count('EventNotPublished');
        return false;
      }
    },
  };
}
