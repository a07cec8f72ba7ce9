/** The real adapters, on whatever the bench is: each guard of the design holds there, and a repeat is told apart. */
import { expect } from 'vitest';
import type { ClaimWrite } from '../../core/claim.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import type { Claim, Workspace } from '../../core/workspace.ts';
import { deadLetters } from '../../lambdas/adapters/dead-letters.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { instanceIndex } from '../../lambdas/adapters/instance-index.ts';
import { ledger } from '../../lambdas/adapters/ledger.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { restartEnds } from '../../lambdas/adapters/restart-ends.ts';
import { workspaceStore } from '../../lambdas/adapters/workspace-store.ts';
import type { DueMark } from '../../lambdas/ports/due-work.ts';
import type { RestartEnd } from '../../lambdas/ports/stories.ts';
import { aMessage, aRow } from '../lambdas/parked.ts';
import { aClaim } from '../lambdas/mocked-aws.ts';
import { suite, type Bench } from './bench.ts';

const INSTANCE = 'i-0123456789abcdef0';

/** A workspace that was just registered, and what its stores say of it. */
async function registered(bench: Bench) {
  const workspaceId = bench.newKey().pk.replace('#', '-');
  const store = workspaceStore(bench.table);
  const nowMs = bench.nowMs();
  const registration = {
    workspaceId,
    instanceId: INSTANCE,
    port: 8080,
    protocol: 'http',
    path: '/',
    desired: 'running',
  } as const;
  const register = () =>
    registry(bench.table).register(registration, 'absent', { fromMs: nowMs, untilMs: nowMs });
  expect(await register()).toBe('written');
  const read = async (): Promise<Workspace> => {
    const { value } = await store.read(workspaceId);
    if (typeof value !== 'object') throw new Error(`the workspace is ${value}`);
    return value;
  };
  return { workspaceId, store, nowMs, register, read };
}

type Registered = Awaited<ReturnType<typeof registered>>;

const beat = (seq: number, bootId = 'boot-a') => ({
  bootId,
  seq,
  intervalMs: 5000,
  declaresInterval: true,
  activeTasks: 0,
});
const stamp = (atMs: number) =>
  ({ instanceId: INSTANCE, atMs, freshUntilMs: atMs + 15_000, window: 'fleet' }) as const;

function claimOf({ workspaceId, nowMs }: Registered, token: string, seq: number): ClaimWrite {
  return {
    workspaceId,
    token,
    requires: {
      generation: 1,
      instanceId: INSTANCE,
      bootId: 'boot-a',
      seq,
      settledBeforeMs: nowMs + 1,
      staleBeforeMs: nowMs + 60_000,
      pauseEndedByMs: nowMs,
      notQuarantined: true,
    },
    sets: {
      claim: { ...aClaim(), token },
      generation: 2,
      settleUntilMs: nowMs + 60_000,
      retiredBootId: 'boot-a',
      recentRestartsMs: [nowMs],
    },
  };
}

function requestOf({ workspaceId, nowMs }: Registered, requestId: string): ParkedRequest {
  const { parkedAtMs: _, ...row } = aRow({ requestId, workspaceId, state: 'accepting' });
  return { ...row, acceptedAtMs: nowMs, expiresAtMs: nowMs + 3_600_000 };
}

/** A ULID that no other test uses. */
const newId = (bench: Bench) => `01KA${bench.newKey().pk.replace(/\D/g, '').padStart(22, '0')}`;

export const adapters = suite('dynamodb', 'the adapters', (say) => {
  say('a workspace is registered once, and found under its instance and in the list', async (bench) => {
    const { workspaceId, register, store } = await registered(bench);
    expect(await register()).toBe('conflict');
    expect(await instanceIndex(bench.table).workspacesOf(INSTANCE)).toContain(workspaceId);
    const isListed = async () =>
      (await store.list(100, undefined)).workspaces.some((found) => found.workspaceId === workspaceId);
    for (let tries = 0; tries < 20 && !(await isListed()); tries++) await bench.wait(0.1);
    expect(await isListed()).toBe(true);
  });

  say('beats only move forward (S17)', async (bench) => {
    const { workspaceId, store, nowMs, read } = await registered(bench);
    const first = await store.recordFirstBeat(await read(), beat(1), stamp(nowMs));
    expect(first.kind).toBe('written');
    expect((await store.recordBeat(workspaceId, beat(3), stamp(nowMs + 1000))).kind).toBe('written');
    expect((await store.recordBeat(workspaceId, beat(2), stamp(nowMs + 2000))).kind).toBe('refused');
    expect((await store.recordBeat(workspaceId, beat(4), stamp(nowMs))).kind).toBe('refused');
    expect((await store.recordBeat(workspaceId, beat(4, 'boot-b'), stamp(nowMs + 2000))).kind).toBe(
      'refused',
    );
    expect((await read()).heartbeat?.seq).toBe(3);
  });

  say('a claim is won once; its own repeat is told apart from a rival (S7, S27)', async (bench) => {
    const one = await registered(bench);
    await one.store.recordFirstBeat(await one.read(), beat(1), stamp(one.nowMs));
    expect(await one.store.claim(claimOf(one, 'token-1', 1))).toBe('won');
    expect(await one.store.claim(claimOf(one, 'token-1', 1))).toBe('won');
    expect(await one.store.claim(claimOf(one, 'token-2', 1))).toMatchObject({
      lostTo: { claim: { token: 'token-1' }, generation: 2 },
    });
  });

  say('a beat since the evidence voids the claim, by its number alone (S3)', async (bench) => {
    const one = await registered(bench);
    await one.store.recordFirstBeat(await one.read(), beat(1), stamp(one.nowMs));
    await one.store.recordBeat(one.workspaceId, beat(2), stamp(one.nowMs));
    expect(await one.store.claim(claimOf(one, 'token-1', 1))).toHaveProperty('lostTo');
    expect((await one.read()).claim).toBeUndefined();
  });

  say('a claim moves on once from where it was, and ends once', async (bench) => {
    const one = await registered(bench);
    await one.store.recordFirstBeat(await one.read(), beat(1), stamp(one.nowMs));
    await one.store.claim(claimOf(one, 'token-1', 1));
    const { claim } = await one.read();
    if (!claim) throw new Error('there is no claim');
    const next = { ...claim, step: 'start-issued', startedAtMs: one.nowMs } as const;
    const advance = () =>
      one.store.advanceClaim(one.workspaceId, claim, next, {
        dueAtMs: one.nowMs,
        settleUntilMs: one.nowMs + 60_000,
        lastLook: { generation: 2, pauseEndedByMs: one.nowMs, bootId: 'boot-a' },
      });
    expect([await advance(), await advance()]).toEqual(['advanced', 'lost']);
    const end = (as: Claim) => one.store.endClaim(as, endOf(one, 'token-1'), { unretire: true });
    // A run that has read the claim before it moved on ends nothing: whoever moved it has it in hand (S8).
    expect(await end(claim)).toBe('lost');
    expect((await one.read()).claim).toMatchObject({ step: 'start-issued' });
    expect([await end(next), await end(next)]).toEqual(['ended', 'lost']);
    const after = await one.read();
    expect([after.claim, after.retiredBootId]).toEqual([undefined, undefined]);
  });

  say('the end of a restart is kept with the end of its claim, and due until it was told', async (bench) => {
    const one = await registered(bench);
    await one.store.recordFirstBeat(await one.read(), beat(1), stamp(one.nowMs));
    const ends = restartEnds(bench.table);
    const due = dueWork(bench.table);
    const untold = () => ends.untold(one.workspaceId, 'token-1');
    const claim = claimOf(one, 'token-1', 1);
    const end = () => one.store.endClaim(claim.sets.claim, endOf(one, 'token-1'), { unretire: true });
    expect(await end()).toBe('lost');
    expect(await untold()).toBeUndefined();
    await one.store.claim(claim);
    expect(await end()).toBe('ended');
    const isDue = async () =>
      (await due.due('restartEnds', one.nowMs + 3_600_000, { limit: 200 })).value.some(
        ({ id, token }) => id === one.workspaceId && token === 'token-1',
      );
    for (let tries = 0; tries < 20 && !(await isDue()); tries++) await bench.wait(0.1);
    expect(await isDue()).toBe(true);
    expect(await untold()).toEqual(endOf(one, 'token-1'));
    await ends.tellLater(endOf(one, 'token-1'), one.nowMs + 7_200_000);
    expect(await untold()).toEqual({ ...endOf(one, 'token-1'), counted: true });
    await ends.told(endOf(one, 'token-1'));
    expect(await untold()).toBeUndefined();
    await ends.tellLater(endOf(one, 'token-1'), one.nowMs);
    expect(await untold()).toBeUndefined();
  });

  say('an open claim is due, and its sweep puts it off once', async (bench) => {
    const one = await registered(bench);
    await one.store.recordFirstBeat(await one.read(), beat(1), stamp(one.nowMs));
    await one.store.claim(claimOf(one, 'token-1', 1));
    const due = dueWork(bench.table);
    const isDue = async () =>
      (await due.due('workspaces', one.nowMs + 3_600_000, { limit: 100 })).value.some(
        ({ id }) => id === one.workspaceId,
      );
    for (let tries = 0; tries < 20 && !(await isDue()); tries++) await bench.wait(0.1);
    expect(await isDue()).toBe(true);
    const workspace = await one.read();
    const postpone = () => due.postponeWorkspace(workspace, one.nowMs + 7_200_000);
    expect([await postpone(), await postpone()]).toEqual(['postponed', 'lost']);
  });

  say('what is due is read page by page, and put off only where it is due', async (bench) => {
    const one = await registered(bench);
    await one.store.recordFirstBeat(await one.read(), beat(1), stamp(one.nowMs));
    const write = claimOf(one, 'token-1', 1);
    await one.store.claim(write);
    const due = dueWork(bench.table);
    const soonMs = one.nowMs + 3_600_000;
    const isDue = async () => {
      let from: DueMark | undefined;
      do {
        const page = await due.due('workspaces', soonMs, { limit: 1, ...(from && { from }) });
        if (page.value.some(({ id }) => id === one.workspaceId)) return true;
        from = page.next;
      } while (from);
      return false;
    };
    const untilDueIs = async (wanted: boolean) => {
      for (let tries = 0; tries < 20 && (await isDue()) !== wanted; tries++) await bench.wait(0.1);
      return isDue();
    };
    const putOff = (nowMs: number) =>
      due.putOff('workspaces', { id: one.workspaceId }, { nowMs, dueAtMs: soonMs + 1 });
    expect(await untilDueIs(true)).toBe(true);
    // Not due yet when it was claimed.
    await putOff(write.sets.claim.sinceMs);
    expect(await isDue()).toBe(true);
    await putOff(soonMs);
    expect(await untilDueIs(false)).toBe(false);
    expect((await one.read()).claim?.token).toBe('token-1');
  });

  say('a request is counted in with its row, and out with its end, once each (S24)', async (bench) => {
    const one = await registered(bench);
    const book = ledger(bench.table);
    const request = requestOf(one, newId(bench));
    const accept = (wanted = request) =>
      book.accept({
        about: { workspaceId: one.workspaceId, atMs: one.nowMs },
        request: wanted,
        parkedMax: 1,
      });
    expect(await accept()).toBe('accepted');
    expect(await accept()).toBe('accepted');
    expect(await accept(requestOf(one, newId(bench)))).toBe('full');
    expect(await book.parkedFor(one.workspaceId)).toMatchObject({ count: 1, bytes: 5 });
    expect(await book.markParked(request, one.nowMs)).toBe(true);
    const end = () => book.finish(request, { state: 'delivered', atMs: one.nowMs });
    expect([await end(), await end()]).toEqual(['finished', 'was-final']);
    expect(await book.parkedFor(one.workspaceId)).toMatchObject({ count: 0, bytes: 0 });
    expect(await book.markParked(request, one.nowMs)).toBe(true);
    expect((await book.read(request.requestId))?.state).toBe('delivered');
  });

  say('the newest attempt alone may write (S22)', async (bench) => {
    const one = await registered(bench);
    const book = ledger(bench.table);
    const request = requestOf(one, newId(bench));
    await book.accept({ about: { workspaceId: one.workspaceId, atMs: one.nowMs }, request, parkedMax: 9 });
    await book.markParked(request, one.nowMs);
    const mark = { generation: 1 } as never;
    const begin = () =>
      book.beginAttempt(request, {
        nowMs: one.nowMs,
        leaseUntilMs: one.nowMs + 90_000,
        mark,
        interruptions: 0,
      });
    expect([await begin(), await begin()]).toEqual(['begun', 'lost']);
    await book.renewAttempt({ ...request, attempts: 0 }, one.nowMs + 500_000);
    expect((await book.read(request.requestId))?.leaseUntilMs).toBe(one.nowMs + 90_000);
  });

  say('a dead letter of 700 KiB is kept in pieces and read whole', async (bench) => {
    const requestId = newId(bench);
    const message = aMessage({ requestId, body: Buffer.alloc(700 * 1024, 7).toString('base64') });
    const letters = deadLetters(bench.table);
    await letters.keep(message, bench.nowMs());
    expect(await letters.read(requestId)).toEqual(message);
  });
});

function endOf({ workspaceId, nowMs }: { workspaceId: string; nowMs: number }, token: string): RestartEnd {
  const record = { token, reason: 'stopped', sinceMs: nowMs, endedAtMs: nowMs, outcome: 'done' };
  return {
    workspaceId,
    instanceId: INSTANCE,
    record: { ...record, because: 'back', label: 'justified' },
    quarantined: false,
  };
}
