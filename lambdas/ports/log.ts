/** What a function tells its operators. */

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Ids, states, numbers and reasons only; never a body, header, query or token (S29). */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields: LogFields, error?: unknown): void;
  /** Adds one to a metric, and it is out by then: whatever is noted afterwards may say that it was counted. */
  count(metric: string): void;
}
