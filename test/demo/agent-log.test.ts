import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { appendServed, parseServed, readServed, type Served } from '../../demo/agent-log.ts';

const served: Served = { key: 'r-1', sha256: 'abc', how: 'worked', bootId: 'boot-a' };

describe("an agent's log", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'defib-agent-log-'));
  const file = path.join(folder, 'log.jsonl');
  afterEach(() => rmSync(file, { force: true }));

  it('gives back what was written, in its order', () => {
    const repeated: Served = { ...served, how: 'repeated', bootId: 'boot-b' };
    appendServed(file, served);
    appendServed(file, repeated);
    expect(readServed(file)).toEqual([served, repeated]);
  });

  it('is empty while nothing was served', () => {
    expect(readServed(file)).toEqual([]);
  });

  it('a last line that a kill has cut off is no record', () => {
    const whole = JSON.stringify(served);
    expect(parseServed(`${whole}\n${whole.slice(0, 20)}`)).toEqual([served]);
  });
});
