/** The part of DynamoDB's expression language that the adapters use. What it does not know, it throws at. */

export type Item = Record<string, unknown>;
export interface Bindings {
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Record<string, unknown> | undefined;
}

/** Whether a condition holds for an item; an absent one has no attributes. */
export function holdsFor(condition: string | undefined, item: Item, bindings: Bindings): boolean {
  if (condition === undefined) return true;
  const tokens = condition.match(/[\w.#:]+|<>|<=|>=|[<>=(),]/g) ?? [];
  let at = 0;
  const next = () => tokens[at++] ?? '';
  const expect = (token: string) => {
    const found = next();
    if (found !== token) throw new Error(`expected ${token}, got ${found} in ${condition}`);
  };
  const primary = (): boolean => {
    const token = next();
    if (token === '(') {
      const inner = either();
      expect(')');
      return inner;
    }
    if (token === 'attribute_exists' || token === 'attribute_not_exists') {
      expect('(');
      const there = valueAt(item, next(), bindings) !== undefined;
      expect(')');
      return there === (token === 'attribute_exists');
    }
    const left = operand(item, token, bindings);
    const operator = next();
    if (operator !== 'IN') return compare(left, operator, operand(item, next(), bindings));
    expect('(');
    const choices: unknown[] = [];
    do choices.push(operand(item, next(), bindings));
    while (next() === ',');
    return choices.includes(left);
  };
  const both = (): boolean => {
    let result = primary();
    while (tokens[at] === 'AND') {
      at++;
      const right = primary();
      result &&= right;
    }
    return result;
  };
  const either = (): boolean => {
    let result = both();
    while (tokens[at] === 'OR') {
      at++;
      const right = both();
      result ||= right;
    }
    return result;
  };
  const result = either();
  if (at !== tokens.length) throw new Error(`not understood: ${condition}`);
  return result;
}

/** The item after an update. */
export function updated(expression: string, item: Item, bindings: Bindings): Item {
  const after = structuredClone(item);
  const clauses = expression.split(/\b(SET|REMOVE|ADD|DELETE)\b/).slice(1);
  for (let index = 0; index < clauses.length; index += 2) {
    const parts = (clauses[index + 1] ?? '').split(/,(?![^(]*\))/).map((part) => part.trim());
    for (const part of parts) {
      if (clauses[index] === 'REMOVE') put(after, part, undefined, bindings);
      else if (clauses[index] === 'SET') {
        const [path = '', value = ''] = part.split(/\s=\s/);
        put(after, path, sum(item, value, bindings), bindings);
      } else {
        const [path = '', value = ''] = part.split(/\s+/);
        const set = new Set(valueAt(after, path, bindings) as Set<unknown> | undefined);
        for (const member of operand(item, value, bindings) as Set<unknown>) {
          if (clauses[index] === 'ADD') set.add(member);
          else set.delete(member);
        }
        put(after, path, set, bindings);
      }
    }
  }
  return after;
}

function sum(item: Item, text: string, bindings: Bindings): unknown {
  const terms = text.split(/\s\+\s/).map((term) => {
    const [, path = '', fallback = ''] = /^if_not_exists\(([^,]+),\s*([^)]+)\)$/.exec(term.trim()) ?? [];
    return path === ''
      ? operand(item, term.trim(), bindings)
      : (valueAt(item, path, bindings) ?? operand(item, fallback, bindings));
  });
  return terms.length === 1 ? terms[0] : terms.reduce<number>((total, term) => total + Number(term), 0);
}

function operand(item: Item, token: string, bindings: Bindings): unknown {
  if (!token.startsWith(':')) return valueAt(item, token, bindings);
  const values = bindings.ExpressionAttributeValues ?? {};
  if (!(token in values)) throw new Error(`no value for ${token}`);
  return values[token];
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  // A missing attribute equals nothing and is less than nothing; it differs from everything.
  if (operator === '<>') return left !== right;
  if (left === undefined || right === undefined) return false;
  if (operator === '=') return left === right;
  if (typeof left !== typeof right) return false;
  const [a, b] = [left as number, right as number];
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  if (operator === '>') return a > b;
  if (operator === '>=') return a >= b;
  throw new Error(`unknown operator ${operator}`);
}

const keysOf = (path: string, { ExpressionAttributeNames: names = {} }: Bindings) =>
  path.split('.').map((key) => (key.startsWith('#') ? (names[key] ?? key) : key));

function valueAt(item: Item, path: string, bindings: Bindings): unknown {
  return keysOf(path, bindings).reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Item)[key] : undefined),
    item,
  );
}

function put(item: Item, path: string, value: unknown, bindings: Bindings): void {
  const keys = keysOf(path, bindings);
  const last = keys.pop() ?? '';
  const holder = keys.reduce<Item>((inner, key) => inner[key] as Item, item);
  if (value === undefined) Reflect.deleteProperty(holder, last);
  else holder[last] = value;
}
