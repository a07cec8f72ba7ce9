/** A few of the seeded bugs, of each area, that the simulator finds within seconds; `npm run simulate:bugs` tries all. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../lib/package-root.ts';

const sample = [
  'heartbeat-outranks-nothing',
  'two-copies-advance',
  'generation-stays',
  'observe-acts',
  'resumed-in-the-old-epoch',
  'old-beats-count',
  'brake-is-read-once',
  'unfinished-is-not-reported',
];

test('eight seeded bugs are planted - the simulator finds each of them within 200 seeds', () => {
  const main = path.join(packageRoot(), 'test/simulator/bugs/main.ts');
  const args = [main, '--seeds', '200', '--jobs', '2', '--only', sample.join(',')];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stdout + stderr).toContain(`${sample.length} of ${sample.length} bugs found`);
  expect(status).toBe(0);
}, 300_000);
