/** Reads the stack's CloudFormation outputs into what local.json tells. */
import { functionNames } from '../lambdas/runtime/env-names.ts';
import { LocalError } from './local-error.ts';
import type { FunctionKey, LocalInfo, QueueKey, RoleKey } from './local-info.ts';

export type StackOutputs = Readonly<Record<string, string>>;

/** The tag that marks instances of this fleet. */
export const workspaceTag = { Key: 'defib:workspace', Value: 'true' } as const;

const queueKeys: readonly QueueKey[] = [
  'reprobe',
  'reprobeDlq',
  'restart',
  'restartDlq',
  'parked',
  'parkedDlq',
  'deliveries',
  'deliveriesDlq',
];
const functionKeys = functionNames.map((name) => camelCase(name) as FunctionKey);
const roleKeys: readonly RoleKey[] = [
  'proxy',
  'operator',
  'agent',
  ...functionKeys.map((key): RoleKey => `${key}Function`),
];

/** What the stack's outputs tell; the endpoints are the caller's to add. */
export type DeployedInfo = Pick<
  LocalInfo,
  'apiUrl' | 'tableName' | 'busName' | 'queues' | 'roles' | 'functions'
>;

export function infoFromOutputs(outputs: StackOutputs): DeployedInfo {
  const output = (name: string): string => {
    const value = outputs[name];
    if (value === undefined)
      throw new LocalError(`The stack has no output ${name}: bin/app.ts and local/ disagree.`);
    return value;
  };
  const each = <Key extends string>(
    keys: readonly Key[],
    nameOf: (pascal: string) => string,
  ): Record<Key, string> =>
    Object.fromEntries(keys.map((key) => [key, output(nameOf(pascalCase(key)))])) as Record<Key, string>;
  return {
    apiUrl: output('ApiUrl').replace(/\/$/, ''),
    tableName: output('TableName'),
    busName: output('BusName'),
    queues: each(queueKeys, (key) => `Queue${key}Url`),
    roles: each(roleKeys, (key) => `Role${key}Arn`),
    functions: each(functionKeys, (key) => `Function${key}Name`),
  };
}

function camelCase(kebab: string): string {
  return kebab.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function pascalCase(camel: string): string {
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}
