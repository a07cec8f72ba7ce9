/** Reads one expression token by token, and notes which placeholders it uses. */
import { invalid } from '../dynamodb/errors.ts';
import { isReserved } from './reserved-words.ts';

/** What an expression is evaluated with. */
export interface Bound {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
}

/** An expression, understood: what it does, and the placeholders that must be given with it. */
export interface Compiled<T> {
  readonly run: T;
  readonly names: ReadonlySet<string>;
  readonly values: ReadonlySet<string>;
}

const token = /\s*(?:([#:]?\w+)|(<>|<=|>=|[<>=(),.[\]+-]))/y;

export class Reader {
  readonly names = new Set<string>();
  readonly values = new Set<string>();
  readonly #kind: string;
  readonly #text: string;
  readonly #tokens: string[] = [];
  #at = 0;

  /** `kind` is the name of the call's field, for messages. */
  constructor(kind: string, text: string) {
    this.#kind = kind;
    this.#text = text;
    token.lastIndex = 0;
    let end = 0;
    for (let found = token.exec(text); found; found = token.exec(text)) {
      this.#tokens.push(found[1] ?? found[2] ?? '');
      end = token.lastIndex;
    }
    if (text.slice(end).trim() !== '') throw this.wrong(`syntax error near "${text.slice(end, end + 20)}"`);
    if (this.#tokens.length === 0) throw this.wrong('the expression can not be empty;');
  }

  peek(ahead = 0): string | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): string {
    const found = this.#tokens[this.#at++];
    if (found === undefined) throw this.wrong('syntax error; it ends too early');
    return found;
  }

  /** Takes the token if it is this one; words in any case. */
  takes(wanted: string): boolean {
    if (this.peek()?.toUpperCase() !== wanted) return false;
    this.#at++;
    return true;
  }

  expect(wanted: string): void {
    if (!this.takes(wanted))
      throw this.wrong(`syntax error; expected ${wanted}, got ${this.peek() ?? 'the end'}`);
  }

  /** A placeholder of a value. */
  value(): string {
    const name = this.next();
    if (!name.startsWith(':')) throw this.wrong(`syntax error; token: "${name}"`);
    this.values.add(name);
    return name;
  }

  /** One part of a path: a plain name, or a placeholder of one. */
  name(): string {
    const name = this.next();
    if (name.startsWith('#')) this.names.add(name);
    else if (!/^[a-z_]\w*$/i.test(name)) throw this.wrong(`syntax error; token: "${name}"`);
    else if (isReserved(name)) {
      throw this.wrong(`Attribute name is a reserved keyword; reserved keyword: ${name}`);
    }
    return name;
  }

  end(): void {
    const rest = this.peek();
    if (rest !== undefined) throw this.wrong(`syntax error; token: "${rest}"`);
  }

  wrong(what: string): Error {
    return invalid(`Invalid ${this.#kind}: ${what} (in: ${this.#text})`);
  }
}

/** Compiles each text once: the adapters' expressions are few, and the calls many. */
export function compiledOnce<T>(kind: string, compile: (reader: Reader) => T): (text: string) => Compiled<T> {
  const known = new Map<string, Compiled<T>>();
  return (text) => {
    const before = known.get(text);
    if (before) return before;
    const reader = new Reader(kind, text);
    const run = compile(reader);
    reader.end();
    const compiled = { run, names: reader.names, values: reader.values };
    known.set(text, compiled);
    return compiled;
  };
}

/** What a call gives that brings no placeholders of a kind. */
export const nothingGiven: Readonly<Record<string, never>> = Object.freeze({});

/** Refuses a call whose placeholders are not exactly those that its expressions use. */
export function checkPlaceholders(expressions: readonly Compiled<unknown>[], { names, values }: Bound): void {
  checkAll(
    'ExpressionAttributeNames',
    expressions.map((one) => one.names),
    names,
  );
  checkAll(
    'ExpressionAttributeValues',
    expressions.map((one) => one.values),
    values,
  );
}

function checkAll(
  kind: string,
  used: readonly ReadonlySet<string>[],
  given: Readonly<Record<string, unknown>>,
): void {
  let uses = 0;
  for (const set of used) {
    uses += set.size;
    for (const name of set) {
      if (given[name] === undefined)
        throw invalid(`An expression uses ${name}, which is not defined in ${kind}`);
    }
  }
  if (uses === 0 && given === nothingGiven) return;
  for (const name in given) {
    if (given[name] !== undefined && !used.some((set) => set.has(name)))
      throw invalid(`Value provided in ${kind} unused in expressions: keys: {${name}}`);
  }
}
