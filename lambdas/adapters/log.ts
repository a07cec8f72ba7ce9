/** Logs and metrics by Powertools. Fields are ids, states, numbers and reasons: the port's types allow no more. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Log } from '../ports/log.ts';

export interface Telemetry {
  readonly logger: Logger;
  readonly log: Log;
}

export function telemetry(): Telemetry {
  const logger = new Logger();
  const metrics = new Metrics();
  const log: Log = {
    info: (message, fields = {}) => {
      logger.info(message, fields);
    },
    warn: (message, fields = {}) => {
      logger.warn(message, fields);
    },
    // An error's name and code, not its message: messages of the SDK may quote what was sent.
    error: (message, fields, error) => {
      logger.error(message, { ...fields, ...errorFields(error) });
    },
    // At once, not when the invocation is over: one that runs into its time-out never comes to that, and by then what
    // was counted may be noted as told. A line for each costs little, since an invocation counts one thing or two.
    count: (metric) => {
      metrics.addMetric(metric, MetricUnit.Count, 1).publishStoredMetrics();
    },
  };
  return { logger, log };
}

function errorFields(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return {};
  const at = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return { error: error.name, ...(at !== undefined && { at: at.trim() }) };
}
