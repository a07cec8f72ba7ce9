import { beforeAll, describe, expect, it } from 'vitest';
import type { ApiAnswer } from '../../local/api-client.ts';
import { aWorkspace, bodyOf, ec2Calls, stopFromOutside, type TestWorkspace } from './fleet.ts';
import { until } from './wait.ts';

const CALLS = 300;
const AT_ONCE = 20;
let ws: TestWorkspace;
beforeAll(async () => {
  ws = await aWorkspace();
  await ws.untilSettled();
});

describe('a flood of forward errors for one workspace', () => {
  it('that is dead - costs one probe a second and one restart', async () => {
    await stopFromOutside(ws.instanceId);
    const before = await ec2Calls('DescribeInstances', ws.instanceId);
    const startedMs = performance.now();
    const answers: ApiAnswer[] = [];
    const report = async () => {
      for (let i = 0; i < CALLS / AT_ONCE; i++) answers.push(await ws.report({ error: { kind: 'refused' } }));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, report));
    const seconds = (performance.now() - startedMs) / 1000;
    const probes = (await ec2Calls('DescribeInstances', ws.instanceId)) - before;
    process.stderr.write(`e2e: ${CALLS} reports in ${seconds.toFixed(1)} s cost ${probes} probes\n`);

    expect(answers).toHaveLength(CALLS);
    expect(
      answers.filter(({ status }) => status !== 503).map(({ status, body }) => ({ status, body })),
    ).toEqual([]);
    // Beside the callers' one probe a second: the re-probe's own look, and the restart function's few.
    expect(probes).toBeLessThanOrEqual(Math.ceil(seconds) + 8);
    expect(new Set(answers.map((answer) => bodyOf(answer)['code']))).not.toContain('unavailable');
    await until('it runs again', async () =>
      (await ec2Calls('StartInstances', ws.instanceId)) > 0 && (await ws.show())['claim'] === null
        ? true
        : undefined,
    );
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(1);
    expect(await ec2Calls('StopInstances', ws.instanceId)).toBe(1); // By the console, at the beginning.
  });
});
