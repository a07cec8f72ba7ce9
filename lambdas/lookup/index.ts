import { brakeStore } from '../adapters/brake-store.ts';
import { deadLetters } from '../adapters/dead-letters.ts';
import { ledger } from '../adapters/ledger.ts';
import { receiptStore } from '../adapters/receipt-store.ts';
import { stories } from '../adapters/stories.ts';
import { workspaceStore } from '../adapters/workspace-store.ts';
import { listEnv } from '../runtime/env.ts';
import { apiHandler } from '../runtime/http.ts';
import { startFunction } from '../runtime/start.ts';
import { handleLookup, type LookupPorts } from './handle.ts';

const { telemetry, clock, table, settings } = startFunction();
const ports: LookupPorts = {
  settings,
  workspaces: workspaceStore(table),
  receipts: receiptStore(table),
  ledger: ledger(table),
  deadLetters: deadLetters(table),
  stories: stories(table),
  brake: brakeStore(table),
  operatorRoles: listEnv('operatorRoles'),
};

export const handler = apiHandler(telemetry, clock, async (call) => handleLookup(call, ports));
