/** One call of the HTTP API as the use cases see it, and the reading of its parts by schema. */
import type * as z from 'zod/mini';
import type { Caller } from '../../core/caller.ts';
import type { TimeRange } from '../../core/time.ts';

export interface ApiCall {
  /** API Gateway's route key: `PUT /workspaces/{workspaceId}`, or `$default`. */
  readonly route: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyText: string;
  readonly caller: Caller;
  readonly now: TimeRange;
  /** When the gateway received the call: what a heartbeat is stamped with. */
  readonly gatewayTimeMs: number;
}

export interface FieldProblem {
  readonly field: string;
  readonly problem: string;
}

/** The input is wrong; nothing was read or written. Answered with 400 `invalid-input` and the names of the fields. */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError';
  readonly problems: readonly FieldProblem[];

  constructor(problems: readonly FieldProblem[]) {
    super(problems.map(({ field, problem }) => `${field} ${problem}`).join('; '));
    this.problems = problems;
  }
}

/** The body as JSON that fits the schema. Throws {@link InvalidInputError}. */
export function readBody<T>(call: ApiCall, schema: z.ZodMiniType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(call.bodyText);
  } catch {
    throw new InvalidInputError([
      { field: 'body', problem: call.bodyText === '' ? 'is empty' : 'is not JSON' },
    ]);
  }
  return readValue(value, schema, 'body');
}

/** A value that fits the schema; `what` names it where the schema gives no field. Throws {@link InvalidInputError}. */
export function readValue<T>(value: unknown, schema: z.ZodMiniType<T>, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidInputError(
    result.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({
            field: fieldOf([...issue.path, key], what),
            problem: 'is not a known field',
          }))
        : [{ field: fieldOf(issue.path, what), problem: problemOf(issue) }],
    ),
  );
}

function fieldOf(path: readonly PropertyKey[], what: string): string {
  // Names come from the caller: what is not plain text is shown escaped, and not at any length.
  const name = path.map(String).join('.');
  return name === '' ? what : JSON.stringify(name).slice(1, -1).slice(0, 100);
}

function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom' && issue.message !== '' && issue.message !== 'Invalid input')
    return issue.message;
  if (issue.code === 'invalid_type') return `is not of the type ${issue.expected}`;
  if (issue.code === 'invalid_value') return `is not one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') return `is less than ${String(issue.minimum)}`;
  if (issue.code === 'too_big') return `is more than ${String(issue.maximum)}`;
  return 'is not well-formed';
}
