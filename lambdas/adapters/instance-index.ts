/** Which workspaces an instance belongs to: one item an instance, kept in the transaction that registers it. */
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { InstanceIndex } from '../ports/registry.ts';
import { keyOf } from './keys.ts';
import type { Table } from './table.ts';

export function instanceIndex(table: Table): InstanceIndex {
  return {
    async workspacesOf(instanceId) {
      const output = await table.client.send(
        new GetCommand({ TableName: table.name, Key: keyOf.instance(instanceId), ConsistentRead: true }),
      );
      const known: unknown = output.Item?.['workspaceIds'];
      return known instanceof Set ? [...(known as Set<string>)] : [];
    },
  };
}

/** The transaction's part that names a workspace under its instance, or takes it out. A set, so repeats change nothing. */
export function indexUpdate(table: Table, change: 'ADD' | 'DELETE', instanceId: string, workspaceId: string) {
  return {
    TableName: table.name,
    Key: keyOf.instance(instanceId),
    UpdateExpression: `${change} workspaceIds :workspaces`,
    ExpressionAttributeValues: { ':workspaces': new Set([workspaceId]) },
  };
}
