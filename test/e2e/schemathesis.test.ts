/** Schemathesis makes wrong calls from the API's own document; `npm run schemathesis` does so for longer. */
import { beforeAll, expect, it } from 'vitest';
import {
  installSchemathesis,
  registerSubject,
  runSchemathesis,
  SUBJECT,
} from '../schemathesis/schemathesis.ts';
import { admin, local } from './fleet.ts';
import { untilQueuesRest } from './refusals.ts';
import { snapshotOf } from './stores.ts';

const SECONDS = 60;
const EXAMPLES = 5;
let instanceId: string;
beforeAll(async () => {
  installSchemathesis();
  instanceId = await registerSubject(local, admin);
  await untilQueuesRest();
});

it('makes nothing but wrong calls of every route - each is refused as the document says, and nothing changes', async () => {
  const before = await snapshotOf(SUBJECT, instanceId);
  let output = '';
  const { exitCode, seen } = await runSchemathesis(local, instanceId, {
    examples: EXAMPLES,
    seconds: SECONDS,
    onOutput: (text) => (output += text),
  });
  expect(exitCode, output).toBe(0);
  expect(seen.shapeless).toEqual([]);
  const refused = [...seen.statuses].filter(([status]) => status >= 400 && status < 500);
  process.stderr.write(`e2e: schemathesis, answers by status: ${JSON.stringify([...seen.statuses])}\n`);
  expect(refused.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(100);
  // What it takes for wrong and is right, a body left out where none is needed, changes nothing either.
  expect([...seen.statuses.keys()].filter((status) => status >= 500)).toEqual([]);
  expect(await snapshotOf(SUBJECT, instanceId), seen.accepted.join('\n')).toEqual(before);
}, 240_000);
