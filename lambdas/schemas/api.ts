/** The bodies, parameters and queries of the HTTP API, as schemas: what they refuse, Defib refuses. */
import * as z from 'zod/mini';
import { deadOriginStatuses, errorKinds } from '../../core/forward-error.ts';
import { LONGEST_LEASE_MS } from '../../core/heartbeat.ts';
import { requestStates } from '../../core/parking.ts';
import { settingTable, type SettingName } from '../../core/policy.ts';

export const workspaceId = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/));
export const instanceId = z.string().check(z.regex(/^i-[0-9a-f]{8,32}$/));
export const ulid = z.string().check(z.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/));
/** Printable, without the characters that separate parts of a key. */
export const callersKey = z.string().check(z.regex(/^[\x21-\x7e]{1,256}$/));
const reasonText = z.string().check(z.regex(/^[^\p{C}]{1,500}$/u));
const whole = (minimum: number, maximum: number) =>
  z.number().check(z.int(), z.minimum(minimum), z.maximum(maximum));
/** Not before 1970: an item with such a time can't be read any more, and its workspace would answer nobody. */
const isoInstant = z.iso.datetime().check(z.refine((text) => Date.parse(text) >= 0));

const headerName = z.string().check(z.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/));
const headerValue = z.string().check(z.regex(/^[\t\x20-\x7e\x80-\xff]{0,8192}$/));
/** An absolute path with an optional query: no scheme, no host, no dot segments, nothing that is not printable. */
const requestPath = z.string().check(
  z.regex(/^\/(?!\/)[\x21-\x7e]{0,4095}$/),
  z.refine((path) => !path.includes('\\') && !path.includes('#')),
  z.refine((path) => !hasDotSegment(path)),
);

/** The key by which the agent is to tell a repeat, under whatever case of the header's name. */
function agentsKeys(headers: Record<string, string>): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    name.toLowerCase() === 'idempotency-key' ? [value] : [],
  );
}

function hasDotSegment(path: string): boolean {
  const [pathOnly = ''] = path.split('?');
  const decoded = pathOnly.replaceAll(/%2e/gi, '.').replaceAll(/%2f/gi, '/').replaceAll(/%5c/gi, '/');
  return decoded.split('/').some((segment) => segment === '.' || segment === '..');
}

export const parkedRequestBody = z.strictObject({
  id: z.optional(callersKey),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']),
  path: requestPath,
  headers: z.optional(
    z.record(headerName, headerValue).check(
      z.refine((headers) => agentsKeys(headers).every((key) => callersKey.safeParse(key).success), {
        path: ['idempotency-key'],
        error: 'is empty, too long, or not printable',
      }),
    ),
  ),
  body: z.optional(z.base64()),
  expiresInSeconds: z.optional(whole(1, 86_400)),
  whenDead: z.optional(z.enum(['refuse', 'park'])),
  onAmbiguous: z.optional(z.enum(['retry', 'refuse'])),
});
export type ParkedRequestBody = z.infer<typeof parkedRequestBody>;

export const forwardErrorBody = z.strictObject({
  error: z
    .strictObject({
      kind: z.enum(errorKinds),
      status: z.optional(z.literal(deadOriginStatuses)),
      instanceId: z.optional(instanceId),
    })
    .check(
      z.refine((error) => (error.kind === 'upstream') === (error.status !== undefined), {
        path: ['status'],
        error: 'goes with kind "upstream", and only with it',
      }),
    ),
  request: z.optional(parkedRequestBody),
});

export const heartbeatBody = z.strictObject({
  bootId: z.string().check(z.regex(/^[\w.:-]{1,128}$/)),
  seq: whole(0, Number.MAX_SAFE_INTEGER),
  intervalSeconds: z.optional(z.number().check(z.minimum(1), z.maximum(600))),
  activeTasks: z.optional(whole(0, 1_000_000)),
  busyUntil: z.optional(isoInstant),
});

/** How far ahead `busyUntil` may lie, with a little grace for the agent's clock. */
export const LATEST_BUSY_UNTIL_MS = LONGEST_LEASE_MS + 60_000;

function settingSchema(name: SettingName): z.ZodMiniType {
  const setting = settingTable[name];
  if (setting.kind === 'flag') return z.boolean();
  if (setting.kind === 'choice') return z.enum(setting.choices);
  const bounded = z.number().check(z.minimum(setting.minimum), z.maximum(setting.maximum));
  const number = setting.integer ? bounded.check(z.int()) : bounded;
  return 'nullable' in setting && setting.nullable ? z.nullable(number) : number;
}

const workspaceSettingNames = (Object.keys(settingTable) as SettingName[]).filter(
  (name) => settingTable[name].scope === 'workspace',
);

export const workspaceBody = z.strictObject({
  instanceId,
  port: whole(1, 65_535),
  protocol: z.optional(z.enum(['http', 'https'])),
  path: z.optional(requestPath.check(z.refine((path) => !path.includes('?')))),
  desired: z.optional(z.enum(['running', 'stopped'])),
  policy: z.optional(
    z.strictObject(
      Object.fromEntries(workspaceSettingNames.map((name) => [name, z.optional(settingSchema(name))])),
    ),
  ),
});

export const settleBody = z.strictObject({ reason: reasonText, seconds: z.optional(whole(5, 3600)) });
export const pauseBody = z.strictObject({ reason: reasonText, until: z.optional(isoInstant) });
export const approvalBody = z.strictObject({ reason: z.optional(reasonText) });
export const restartBody = z.strictObject({ reason: reasonText, force: z.optional(z.boolean()) });

const digits = z.string().check(z.regex(/^[1-9]\d{0,3}$/));
export const pageQuery = z.strictObject({
  limit: z.optional(digits),
  cursor: z.optional(z.string().check(z.regex(/^[\w=-]{1,1024}$/))),
});
export const requestsQuery = z.extend(pageQuery, { state: z.optional(z.enum(requestStates)) });
export const timelineQuery = z.strictObject({
  limit: z.optional(digits),
  cursor: z.optional(z.string().check(z.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}\.[012]$/))),
});
export const redriveBody = z.strictObject({
  requestIds: z.optional(z.array(ulid).check(z.minLength(1), z.maxLength(100))),
  workspaceId: z.optional(workspaceId),
  limit: z.optional(whole(1, 100)),
  dryRun: z.optional(z.boolean()),
});
export const removeQuery = z.strictObject({ parked: z.optional(z.literal('refuse')) });
export const noQuery = z.strictObject({});
