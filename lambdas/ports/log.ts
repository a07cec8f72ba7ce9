/** What a function tells its operators. */

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Ids, states, numbers and reasons only; never a body, header, query or token (S29). */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields: LogFields, error?: unknown): void;
  /** Adds one to a metric. */
  count(metric: string): void;
}
