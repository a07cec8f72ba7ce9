/** What every function has: telemetry, a clock, the table. Made once a sandbox, outside the handler. */
import { systemClock, systemIds } from '../adapters/clock.ts';
import { telemetry } from '../adapters/log.ts';
import { openTable } from '../adapters/table.ts';
import { requireEnv, settingsFromEnv } from './env.ts';

export function startFunction() {
  const told = telemetry();
  return {
    telemetry: told,
    log: told.log,
    clock: systemClock(told.log),
    ids: systemIds(),
    table: openTable(requireEnv('tableName')),
    settings: settingsFromEnv(),
  };
}
