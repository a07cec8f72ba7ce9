/** Logs and metrics by Powertools. Fields are ids, states, numbers and reasons: the port's types allow no more. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Log } from '../ports/log.ts';

export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
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
    count: (metric) => {
      metrics.addMetric(metric, MetricUnit.Count, 1);
    },
  };
  return { logger, metrics, log };
}

function errorFields(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return {};
  const at = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return { error: error.name, ...(at !== undefined && { at: at.trim() }) };
}
