import { ledger } from '../adapters/ledger.ts';
import { openSqs, queues } from '../adapters/queues.ts';
import { workspaceStore } from '../adapters/workspace-store.ts';
import { requireEnv } from '../runtime/env.ts';
import { apiHandler } from '../runtime/http.ts';
import { startFunction } from '../runtime/start.ts';
import { handleHeartbeat, type HeartbeatPorts } from './handle.ts';

const { telemetry, log, clock, table, settings } = startFunction();
const ports: HeartbeatPorts = {
  log,
  settings,
  workspaces: workspaceStore(table),
  ledger: ledger(table),
  queues: queues(openSqs(), { parked: requireEnv('parkedQueueUrl') }),
};

export const handler = apiHandler(telemetry, clock, (call) => handleHeartbeat(call, ports));
