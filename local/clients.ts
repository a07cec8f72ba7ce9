/** The AWS SDK's clients for the local stack, with the rights of its root; for tools and tests. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';

import { adminCredentials } from './admin.ts';
import type { LocalInfo } from './local-info.ts';

export interface AdminClients {
  /** Through the lifecycle proxy: this is the operator's EC2 console. */
  readonly ec2: EC2Client;
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly lambda: LambdaClient;
  readonly events: EventBridgeClient;
  /** Closes the kept connections of all. */
  destroy(): void;
}

export function adminClients(info: LocalInfo): AdminClients {
  const shared = { region: info.region, credentials: adminCredentials };
  const config = { ...shared, endpoint: info.endpointUrl };
  const clients = {
    ec2: new EC2Client({ ...shared, endpoint: info.ec2ProxyUrl }),
    dynamodb: new DynamoDBClient(config),
    sqs: new SQSClient(config),
    lambda: new LambdaClient(config),
    events: new EventBridgeClient(config),
  };
  return {
    ...clients,
    destroy: () => {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}
