import { expect, it } from 'vitest';
import { aRequest, aWorkspace, bodyOf } from './fleet.ts';
import { until } from './wait.ts';

const askedWho = (paths: readonly { readonly path: string }[]) =>
  paths.filter(({ path }) => path === '/.well-known/defib').length;

it.concurrent(
  'an agent must say who it is: somebody else gets nothing but the question, the right one gets the request',
  async () => {
    const ws = await aWorkspace({ peerProof: 'well-known' });
    await ws.beat('boot-1', 1);
    ws.agent.sayOfItself({ workspaceId: 'somebody-else', bootId: 'boot-1' });
    const answer = await ws.report({ error: { kind: 'deadline' }, request: aRequest('r-1') });
    const { requestId } = bodyOf(answer) as { requestId: string };
    await until('it was asked who it is', () =>
      Promise.resolve(askedWho(ws.agent.served) > 0 ? true : undefined),
    );
    await until('the request waits again', async () => {
      const { state, why } = await ws.request(requestId);
      return state === 'parked' && why === 'stranger' ? true : undefined;
    });

    ws.agent.sayOfItself({ workspaceId: ws.workspaceId, bootId: 'boot-1' });
    await ws.untilRequestIs(requestId, 'delivered');
    const paths = ws.agent.served.map(({ path }) => path);
    expect(paths.filter((path) => path !== '/.well-known/defib')).toHaveLength(1);
    expect(paths.slice(-2)[0]).toBe('/.well-known/defib');
  },
);

it.concurrent('nobody asked for a proof - nobody is asked who it is', async () => {
  const ws = await aWorkspace();
  await ws.beat('boot-1', 1);
  const answer = await ws.report({ error: { kind: 'deadline' }, request: aRequest('r-1') });
  await ws.untilRequestIs(bodyOf(answer)['requestId'], 'delivered');
  expect(askedWho(ws.agent.served)).toBe(0);
});
