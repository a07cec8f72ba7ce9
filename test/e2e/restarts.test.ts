import { StartInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { ApiAnswer } from '../../local/api-client.ts';
import { admin, aWorkspace, bodyOf, ec2Calls, stopFromOutside } from './fleet.ts';
import { until } from './wait.ts';

it('50 forward errors at once for one dead workspace - one claim, one Start, no Stop', async () => {
  const ws = await aWorkspace();
  await ws.untilSettled();
  await stopFromOutside(ws.instanceId);
  const stopsBefore = await ec2Calls('StopInstances', ws.instanceId);
  // A caller whose answer does not come in time has still asked: what follows must be the same.
  const answers = await Promise.allSettled(
    Array.from({ length: 50 }, () => ws.report({ error: { kind: 'refused' } })),
  );
  const answered = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  // So has one who is told, by the gateway or the function, that something behind it did not answer in time: fifty
  // sandboxes that start at once are many for a small machine.
  const isLate = ({ status, body }: ApiAnswer) =>
    status >= 500 && [undefined, 'unavailable'].includes((body as { code?: string } | undefined)?.code);
  const judged = answered.filter((answer) => !isLate(answer));
  expect(judged).not.toEqual([]);
  process.stderr.write(`e2e: of 50 reports at once, ${50 - judged.length} were not judged in time\n`);
  const withoutVerdict = judged.filter(
    ({ body }) => !['pending', 'busy', 'dead'].includes((body as { verdict: string }).verdict),
  );
  expect(withoutVerdict).toEqual([]);
  await until('it was started', async () =>
    (await ec2Calls('StartInstances', ws.instanceId)) > 0 ? true : undefined,
  );
  await until('the claim has ended', async () => ((await ws.show())['claim'] === null ? true : undefined));
  expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(1);
  expect(await ec2Calls('StopInstances', ws.instanceId)).toBe(stopsBefore);
  expect(await ws.show()).toMatchObject({ restartsLeft: 2 });
});

describe.concurrent('an instance that somebody else has in hand', () => {
  it('a terminated instance - gone by one verdict; the next callers are told at once, and no budget is spent', async () => {
    const ws = await aWorkspace();
    await ws.untilSettled();
    await admin.ec2.send(new TerminateInstancesCommand({ InstanceIds: [ws.instanceId] }));
    const first = await until('it is seen terminated', async () => {
      const answer = await ws.report({ error: { kind: 'refused' } }, { prefer: 'wait=10' });
      return bodyOf(answer)['code'] === 'gone' ? answer : undefined;
    });
    expect(first).toMatchObject({ status: 503, body: { verdict: 'dead', restarting: false } });
    const probes = await ec2Calls('DescribeInstances', ws.instanceId);
    expect(await ws.report({ error: { kind: 'refused' } })).toMatchObject({
      status: 503,
      body: { code: 'gone', verdictId: bodyOf(first)['verdictId'] },
    });
    expect(await ec2Calls('DescribeInstances', ws.instanceId)).toBe(probes);
    expect(await ws.show()).toMatchObject({ restartsLeft: 3, claim: null });
    expect(await ec2Calls('StartInstances', ws.instanceId)).toBe(0);
  });

  it('the instance is started by somebody else, with no claim - EC2 says so, and the workspace settles anew', async () => {
    const ws = await aWorkspace();
    await ws.untilSettled();
    await stopFromOutside(ws.instanceId);
    await admin.ec2.send(new StartInstancesCommand({ InstanceIds: [ws.instanceId] }));
    const settling = await until('it settles by the event', async () => {
      const { settling: window } = (await ws.show()) as { settling: { because: string } | null };
      return window?.because.startsWith('instance-') === true ? window : undefined;
    });
    expect(settling.because).toMatch(/^instance-(pending|running)$/);
  });
});
