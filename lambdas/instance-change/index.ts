import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { instanceIndex } from '../adapters/instance-index.ts';
import { registry } from '../adapters/registry.ts';
import { workspaceStore } from '../adapters/workspace-store.ts';
import { startFunction } from '../runtime/start.ts';
import { handleInstanceChange, type InstanceChangePorts } from './handle.ts';

const { telemetry, log, clock, table, settings } = startFunction();
const ports: InstanceChangePorts = {
  clock,
  log,
  settings,
  instances: instanceIndex(table),
  workspaces: workspaceStore(table),
  registry: registry(table),
};

export const handler = middy()
  .use(injectLambdaContext(telemetry.logger))
  .handler(async (event) => handleInstanceChange(event, ports));
