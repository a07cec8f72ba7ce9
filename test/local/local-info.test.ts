import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { userEndpoint } from '../../local/account.ts';
import { readLocalInfo, refuseSecondStack, removeLocalInfo, writeLocalInfo } from '../../local/local-info.ts';
import type { LocalInfo } from '../../local/local-info.ts';
import { functionNames } from '../../lambdas/runtime/env-names.ts';
import { infoFromOutputs, workspaceTag } from '../../local/outputs.ts';

const pascal = (kebab: string) =>
  kebab.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
const names = [
  ...['ApiUrl', 'TableName', 'BusName', 'RoleProxyArn', 'RoleOperatorArn', 'RoleAgentArn'],
  ...['Reprobe', 'Restart', 'Parked', 'Deliveries'].flatMap((queue) => [
    `Queue${queue}Url`,
    `Queue${queue}DlqUrl`,
  ]),
  ...functionNames.flatMap((name) => [`Role${pascal(name)}FunctionArn`, `Function${pascal(name)}Name`]),
];
const outputs = Object.fromEntries(names.map((name) => [name, `the ${name}`]));

const infoWith = (ec2ControlUrl: string): LocalInfo => ({
  ...infoFromOutputs(outputs),
  endpointUrl: 'http://localhost:1',
  region: 'us-east-1',
  ec2ProxyUrl: 'http://localhost:2',
  ec2ControlUrl,
  workspaceTag,
});

describe("the stack's outputs", () => {
  test('all there - each is found under its own name', () => {
    expect(infoFromOutputs(outputs)).toMatchObject({
      tableName: 'the TableName',
      queues: { parkedDlq: 'the QueueParkedDlqUrl' },
      roles: { forwardErrorFunction: 'the RoleForwardErrorFunctionArn', agent: 'the RoleAgentArn' },
      functions: { forwardError: 'the FunctionForwardErrorName', sweep: 'the FunctionSweepName' },
    });
  });

  test('one is missing - it is named', () => {
    const { BusName: _, ...others } = outputs;
    expect(() => infoFromOutputs(others)).toThrow('The stack has no output BusName');
  });
});

describe('local.json', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'defib-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('written - is read back whole, and no draft is left beside it', () => {
    writeLocalInfo(folder, infoWith('http://localhost:3'));
    expect(readLocalInfo(folder)).toEqual(infoWith('http://localhost:3'));
    expect(readdirSync(folder)).toEqual(['local.json']);
  });

  test('removed - a reader is told how to start a stack', () => {
    writeLocalInfo(folder, infoWith('http://localhost:3'));
    removeLocalInfo(folder);
    expect(() => readLocalInfo(folder)).toThrow('Start one with: npm run local');
  });

  test('left behind by a stack that is gone - is no hindrance', async () => {
    writeLocalInfo(folder, infoWith('http://127.0.0.1:9'));
    await expect(refuseSecondStack(folder)).resolves.toBeUndefined();
  });

  test('its stack still answers - a second one is refused', async () => {
    const server = createServer((_, answer) => answer.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    writeLocalInfo(folder, infoWith(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    await expect(refuseSecondStack(folder)).rejects.toThrow('A local stack runs already');
    server.closeAllConnections();
    server.close();
  });
});

describe('AWS_ENDPOINT_URL', () => {
  test('not set, or empty - the emulator is ours to start', () => {
    expect(userEndpoint({})).toBeUndefined();
    expect(userEndpoint({ AWS_ENDPOINT_URL: '' })).toBeUndefined();
  });

  test('set without credentials - the test ones are used', () => {
    expect(userEndpoint({ AWS_ENDPOINT_URL: 'http://localhost:4566/' })).toEqual({
      endpointUrl: 'http://localhost:4566',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  });

  test('no URL - is refused by name', () => {
    expect(() => userEndpoint({ AWS_ENDPOINT_URL: 'localhost' })).toThrow(
      'AWS_ENDPOINT_URL is no URL: localhost',
    );
  });
});
