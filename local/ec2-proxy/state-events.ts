/** Publishes EC2's own state-change events into the emulator's default bus, in the order of the changes. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';

import type { StateChange } from './lifecycle.ts';

export interface StateEvents {
  publish(change: StateChange): void;
  close(): void;
}

export type EventBridgeConfig = ConstructorParameters<typeof EventBridgeClient>[0] & {
  readonly region: string;
};

export function stateEventsTo(config: EventBridgeConfig): StateEvents {
  const client = new EventBridgeClient(config);
  let last = Promise.resolve();

  const put = async ({ instanceId, state, at }: StateChange): Promise<void> => {
    const entry = {
      Source: 'aws.ec2',
      DetailType: 'EC2 Instance State-change Notification',
      Time: at,
      Resources: [`arn:aws:ec2:${config.region}:000000000000:instance/${instanceId}`],
      Detail: JSON.stringify({ 'instance-id': instanceId, state }),
    };
    await client.send(new PutEventsCommand({ Entries: [entry] }));
  };

  return {
    publish(change) {
      // An emulator that takes no events from outside is no reason to stop: nothing of Defib waits for them.
      last = last.then(() => put(change)).catch(() => {});
    },
    close: () => client.destroy(),
  };
}
