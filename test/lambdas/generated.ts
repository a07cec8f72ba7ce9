/** Inputs made from the very schemas that validate, right ones and wrong ones. */
import fc, { type Arbitrary } from 'fast-check';
import * as z from 'zod/mini';

/** Inputs for each property of `npm run fuzz`, however long that takes. */
const MOST_RUNS = 5_000;
/** What `npm test` gives to all properties together, and the inputs that each gets in any case. */
const MINUTE_MS = 60_000;
const FEWEST_RUNS = 50;
const isLong = process.env['DEFIB_FUZZ'] === 'long';
let made = 0;

/** How many inputs were made in this run. */
export const inputsMade = (): number => made;

/** Asserts a property of one kind of input; `properties` is how many share the minute. */
export async function holdsFor<T>(
  input: Arbitrary<T>,
  properties: number,
  check: (value: T) => Promise<unknown>,
): Promise<void> {
  const property = fc.asyncProperty(input, async (value) => {
    await check(value);
    made += 1;
  });
  await fc.assert(property, { numRuns: isLong ? MOST_RUNS : FEWEST_RUNS });
  if (isLong) return;
  const share = fc.interruptAfterTimeLimit(MINUTE_MS / properties);
  await fc.assert(property, { numRuns: MOST_RUNS, plugins: [share] });
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly contentEncoding?: string;
}

/** Values that a schema takes, or nearly: what no JSON schema can say (a refinement) is left to the schema itself. */
export function fitting(schema: z.ZodMiniType): Arbitrary<unknown> {
  const json = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  return fromJson(json).filter((value) => schema.safeParse(value).success);
}

function fromJson(schema: JsonSchema): Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(fromJson));
  switch (schema.type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return fc.array(fromJson(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 5, 5),
      });
    case 'integer':
      return fc.integer({
        min: schema.minimum ?? 0,
        max: Math.min(schema.maximum ?? 2 ** 31, Number.MAX_SAFE_INTEGER),
      });
    case 'number':
      return fc.double({ min: schema.minimum ?? 0, max: schema.maximum ?? 1e6, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      return textOf(schema);
    case undefined:
    default:
      return fc.jsonValue();
  }
}

function textOf(schema: JsonSchema): Arbitrary<string> {
  if (schema.contentEncoding === 'base64') return fc.base64String({ maxLength: 200 });
  if (schema.format === 'date-time') {
    const [min, max] = [new Date('2026-11-24T11:00:00Z'), new Date('2026-11-25T12:00:00Z')];
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
  }
  if (schema.pattern === undefined) {
    return fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 40, 40) });
  }
  // What `\p{C}` leaves out is far more than a generator may have to throw away.
  if (schema.pattern.includes('\\p{')) return fc.stringMatching(/^[ -~äöü€]{1,60}$/);
  // It can't look ahead; the schema throws away what then doesn't fit.
  const pattern = schema.pattern.replaceAll(/\(\?[!=][^)]*\)/g, '');
  return fc.stringMatching(new RegExp(pattern), { size: 'small' });
}

function objectOf(schema: JsonSchema): Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
  if (typeof additionalProperties === 'object' && propertyNames !== undefined) {
    return fc.dictionary(textOf(propertyNames), fromJson(additionalProperties), { maxKeys: 4 });
  }
  const model = Object.fromEntries(Object.entries(properties).map(([name, it]) => [name, fromJson(it)]));
  return fc.record(model, { requiredKeys: [...required] });
}

/** Texts that have broken programs before. */
const nasty = [
  '',
  ' ',
  '\u0000',
  '\u001b[31m',
  '\r\nx: y',
  '\ud800',
  '\u202e',
  '../..',
  '%2e%2e%2f',
  'a#b',
  'a|b',
  'WS#x',
  '${jndi:ldap://x}',
  "' OR 1=1",
  '{{7*7}}',
  '__proto__',
  'http://169.254.169.254/',
  'i-XYZ',
  'arn:aws:ec2:::instance/i-1',
  'x'.repeat(10_000),
  '9'.repeat(400),
  'ｗｓ－１',
  '1e309',
  'NaN',
];
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 2 ** 53, 2 ** 53 + 2, -0, 1e308, '502', [], {}, [
    [],
  ]),
  fc.constantFrom<unknown>(...nasty),
  fc.jsonValue(),
);
const oddName = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'url', 'host', ''),
  fc.string(),
);

/** Values that a schema refuses: fitting ones with one thing changed, and anything else that JSON can say. */
export function unfitting(schema: z.ZodMiniType): Arbitrary<unknown> {
  const changed = fc
    .tuple(fitting(schema), fc.constantFrom('replace', 'remove', 'add'), fc.nat(), odd, oddName)
    .map(([value, how, where, by, name]) => mutated(value, { how, where, by, name }));
  return fc.oneof({ weight: 4, arbitrary: changed }, odd).filter((value) => !schema.safeParse(value).success);
}

interface Mutation {
  readonly how: string;
  readonly where: number;
  readonly by: unknown;
  readonly name: string;
}

/** The value with one of its places changed: a place is a path to a member of it. */
function mutated(value: unknown, { how, where, by, name }: Mutation): unknown {
  const places = placesIn(value);
  const place = places[where % Math.max(places.length, 1)];
  if (place === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  const parent = place.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, copy);
  const last = place.at(-1) ?? '';
  if (how === 'remove') Reflect.deleteProperty(parent, last);
  else {
    Object.defineProperty(parent, how === 'add' ? name : last, {
      value: by,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}

function placesIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...placesIn(inner).map((rest) => [key, ...rest]),
  ]);
}

/** Texts that are no JSON, or not of the kind that anybody wants. */
export const notJson = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '{',
    '{"a":',
    'null',
    '[]',
    '5',
    '"x"',
    'NaN',
    '\ufeff{}',
    '{"a":1}{"b":2}',
    `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
    `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
    '{"Records":[{"eventSource":"aws:s3"}]}',
    '{"Type":"Notification","Message":"{}"}',
  ),
  fc.string(),
);
