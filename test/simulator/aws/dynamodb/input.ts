/** What the calls bring along, as far as it is understood; anything else throws. */
import { nothingGiven, type Bound } from '../expressions/reader.ts';
import type { Item } from './values.ts';

/** The fields of every call together; each call says which it takes. */
export interface Input {
  readonly TableName?: string;
  readonly Key?: Item;
  readonly Item?: Item;
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
  readonly ReturnValues?: string;
  readonly ReturnValuesOnConditionCheckFailure?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, unknown>;
  readonly ProjectionExpression?: string;
  readonly ConsistentRead?: boolean;
  readonly IndexName?: string;
  readonly KeyConditionExpression?: string;
  readonly FilterExpression?: string;
  readonly Select?: string;
  readonly Limit?: number;
  readonly ExclusiveStartKey?: Item;
  readonly ScanIndexForward?: boolean;
  readonly RequestItems?: Record<string, Input & { readonly Keys?: readonly Item[] }>;
  readonly TransactItems?: readonly Record<string, Input>[];
  readonly ClientRequestToken?: string;
}

const write = [
  'TableName',
  'ConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ReturnValuesOnConditionCheckFailure',
];
const read = ['ProjectionExpression', 'ExpressionAttributeNames', 'ConsistentRead'];
const list = [
  ...read,
  'TableName',
  'IndexName',
  'ExpressionAttributeValues',
  'FilterExpression',
  'Select',
  'Limit',
  'ExclusiveStartKey',
];

export const fieldsOf = {
  Get: new Set([...read, 'TableName', 'Key']),
  BatchGet: new Set(['RequestItems']),
  KeysAndAttributes: new Set([...read, 'Keys']),
  Put: new Set([...write, 'Item', 'ReturnValues']),
  Update: new Set([...write, 'Key', 'UpdateExpression', 'ReturnValues']),
  Delete: new Set([...write, 'Key', 'ReturnValues']),
  ConditionCheck: new Set([...write, 'Key']),
  Query: new Set([...list, 'KeyConditionExpression', 'ScanIndexForward']),
  Scan: new Set(list),
  TransactWrite: new Set(['TransactItems', 'ClientRequestToken']),
} as const;

export function checkFields(input: object, call: keyof typeof fieldsOf): void {
  for (const field in input) {
    if (!fieldsOf[call].has(field) && (input as Item)[field] !== undefined)
      throw new Error(`not understood: ${field} in a ${call}`);
  }
}

export function boundBy(input: Input): Bound {
  return {
    names: input.ExpressionAttributeNames ?? nothingGiven,
    values: input.ExpressionAttributeValues ?? nothingGiven,
  };
}
