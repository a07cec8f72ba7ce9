/**
 * What an agent has served, one JSON object a line, in a file that outlives its process: the agent's disk. It is how
 * an agent knows a request that it gets for the second time, and how the demo checks what was promised.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export interface Served {
  /** The Idempotency-Key: the caller's own request id. */
  readonly key: string;
  /** Of the body as it arrived. */
  readonly sha256: string;
  /** `worked`: the turn was taken. `repeated`: it had been taken before, and only its answer was given again. */
  readonly how: 'worked' | 'repeated';
  readonly bootId: string;
}

/** Written before the answer leaves, and at once: the process may be killed at any moment. */
export function appendServed(file: string, served: Served): void {
  appendFileSync(file, `${JSON.stringify(served)}\n`);
}

export function readServed(file: string): Served[] {
  return existsSync(file) ? parseServed(readFileSync(file, 'utf8')) : [];
}

/** A last line without its end was cut off by a kill, and is no record. */
export function parseServed(text: string): Served[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Served);
}
