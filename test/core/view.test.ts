import { describe, expect, it } from 'vitest';
import { judge } from '../../core/judge.ts';
import { defaultSettings } from '../../core/policy.ts';
import { openReceipt, withLook } from '../../core/receipt.ts';
import { fleetView, receiptView, requestView, unreadableFleetView, workspaceView } from '../../core/view.ts';
import type { Workspace } from '../../core/workspace.ts';
import {
  aClaim,
  aFleet,
  aMuteWorkspace,
  aRequest,
  aWorkspace,
  at,
  BOOT,
  deadlyFacts,
  deepFrozen,
  facts,
  INSTANCE,
  NOW_MS,
  policy,
} from './builders.ts';

const NOON = '2026-11-24T12:00:00.000Z';
const shown = (workspace: Workspace, now = at(NOW_MS), more = {}) =>
  workspaceView(deepFrozen(workspace), defaultSettings, now, { parked: 0, ...more });
const look = (some = facts()) => ({ facts: some, judgement: judge(some, policy) });
/** Made anew by each test that wants one, so that a mutation run sees which test it is. */
const aReceipt = () =>
  openReceipt(
    {
      verdictId: 'verdict-1',
      workspaceId: 'ws-1',
      errorKind: 'refused',
      askedBy: 'role/proxy',
      policy,
      policyVersion: 'v1',
    },
    look(),
  );

describe('a workspace as the API shows it', () => {
  it('at rest - its state, and nothing that is not there', () => {
    const view = shown(aWorkspace(), at(NOW_MS), { parked: 4 });
    expect(view).toMatchObject({
      workspaceId: 'ws-1',
      instanceId: INSTANCE,
      port: 8080,
      protocol: 'http',
      path: '',
      generation: 3,
      desired: 'running',
      paused: null,
      heartbeat: {
        at: '2026-11-24T11:55:00.000Z',
        ageSeconds: 300,
        seq: 41,
        bootId: BOOT,
        activeTasks: 0,
        freshUntil: '2026-11-24T11:55:15.000Z',
        fresh: false,
      },
      settling: null,
      claim: null,
      lastVerdict: null,
      restartsLeft: 3,
      parked: 4,
    });
  });

  it('never beaten - says so', () => {
    expect(shown(aMuteWorkspace())).toMatchObject({ heartbeat: null });
  });

  it('a beat from ahead of our clock - is no younger than new', () => {
    expect(shown(aWorkspace(), at(NOW_MS - 600_000))).toMatchObject({ heartbeat: { ageSeconds: 0 } });
  });

  it.each([
    [-1, true],
    [0, true],
    [1, false],
  ])('%i ms from the end of its freshness, by the earliest end - fresh: %s', (offsetMs, fresh) => {
    const workspace = aWorkspace({ freshUntilMs: NOW_MS - offsetMs });
    expect(shown(workspace, at(NOW_MS, NOW_MS + 9000))).toMatchObject({ heartbeat: { fresh } });
  });

  it('paused - by whom, why and until when; an expired pause no longer counts, even where it is wanted stopped', () => {
    const pause = { by: 'role/operator', reason: 'upgrade' };
    expect(shown(aWorkspace({ pause }))).toMatchObject({ paused: { ...pause, until: null } });
    const ending = aWorkspace({ pause: { ...pause, untilMs: NOW_MS } });
    expect(shown(ending, at(NOW_MS - 1, NOW_MS))).toMatchObject({ paused: { ...pause, until: NOON } });
    expect(shown(ending)).toMatchObject({ paused: null });
    expect(shown({ ...ending, desired: 'stopped' })).toMatchObject({ paused: null, desired: 'stopped' });
    expect(shown(aWorkspace({ desired: 'stopped' }))).toMatchObject({ paused: null });
  });

  it('settling - until when and because of what', () => {
    const workspace = aWorkspace({ settleUntilMs: NOW_MS, settleBecause: 'claim' });
    expect(shown(workspace, at(NOW_MS - 1, NOW_MS))).toMatchObject({
      settling: { until: NOON, because: 'claim' },
    });
    expect(shown(workspace)).toMatchObject({ settling: null });
  });

  it('being restarted - how far it has come', () => {
    expect(shown(aWorkspace({ claim: aClaim({ attempt: 2 }) }))).toMatchObject({
      claim: { token: 'verdict-1', reason: 'stopped', step: 'admitted', attempt: 2, since: NOON },
    });
  });

  it('judged lately - by which verdict; one by intent is still pending', () => {
    const expected = { verdictId: 'verdict-1', reason: 'suspect', at: NOON };
    expect(shown(aWorkspace(), at(NOW_MS), { lastReceipt: aReceipt() })).toMatchObject({
      lastVerdict: { ...expected, verdict: 'pending' },
    });
    const dead = { ...aReceipt(), verdict: 'dead' as const };
    expect(shown(aWorkspace(), at(NOW_MS), { lastReceipt: dead })).toMatchObject({
      lastVerdict: { verdict: 'dead' },
    });
    expect(
      shown(aWorkspace(), at(NOW_MS), { lastReceipt: { ...dead, intent: 'dead' as const } }),
    ).toMatchObject({
      lastVerdict: { verdict: 'pending' },
    });
  });

  it('being restarted, and kept waiting - by what, and until when', () => {
    const waiting = { ...aClaim(), waitsFor: 'back-off', notBeforeMs: NOW_MS } as const;
    expect(shown(aWorkspace({ claim: waiting }))['claim']).toMatchObject({
      waitsFor: 'back-off',
      notBefore: NOON,
    });
    const usual = shown(aWorkspace({ claim: aClaim() }))['claim'];
    expect(usual).not.toHaveProperty('waitsFor');
    expect(usual).not.toHaveProperty('notBefore');
  });

  it('gone, quarantined, or only observed - since when, and by which verdict', () => {
    const finding = { verdictId: 'verdict-1', atMs: NOW_MS };
    const found = { since: NOON, verdictId: 'verdict-1' };
    expect(shown(aWorkspace({ gone: { ...finding, instanceId: INSTANCE } }))['gone']).toEqual(found);
    expect(shown(aWorkspace({ withheld: finding }))['withheld']).toEqual(found);
    const quarantine = { ...finding, because: 'restart-budget-spent' };
    expect(shown(aWorkspace({ quarantine }))['quarantine']).toEqual({
      ...found,
      because: 'restart-budget-spent',
    });
    expect(shown(aWorkspace())).toMatchObject({ gone: null, quarantine: null, withheld: null });
  });

  it('with settings of its own - those that hold for it, and its budget by them; none of the fleet', () => {
    const view = shown(
      aWorkspace({ settings: { settleSeconds: 90, restartsPerWindow: 5 }, recentRestartsMs: [NOW_MS - 1] }),
    );
    expect(view).toMatchObject({ restartsLeft: 4, policy: { settleSeconds: 90, freshSeconds: 15 } });
    expect(Object.keys(view['policy'] as object)).not.toContain('brakeShare');
  });
});

describe('a receipt as the API shows it', () => {
  it('all its looks, the facts of the last, and what would have flipped it, in words too', () => {
    const twice = withLook(aReceipt(), look(deadlyFacts()), 'dead');
    expect(receiptView(deepFrozen(twice))).toEqual({
      verdictId: 'verdict-1',
      workspaceId: 'ws-1',
      verdict: 'dead',
      reason: 'stopped',
      rule: '11-dead',
      at: NOON,
      openedAt: NOON,
      errorKind: 'refused',
      askedBy: 'role/proxy',
      facts: deadlyFacts(),
      looks: [look(), look(deadlyFacts())],
      flip: [
        {
          kind: 'heartbeat-arrives',
          afterMs: NOW_MS - 300_000,
          text: 'a heartbeat after 2026-11-24T11:55:00.000Z',
        },
        { kind: 'probe-says-running', text: 'a probe that says running' },
      ],
      policyVersion: 'v1',
      policy,
    });
  });

  it('dead by intent - pending, until the claim has been won or lost', () => {
    expect(receiptView({ ...aReceipt(), verdict: 'dead', intent: 'dead' })).toMatchObject({
      verdict: 'pending',
    });
  });

  it('of one look, or of none that was kept - the facts of the last there is', () => {
    expect(receiptView(aReceipt())['facts']).toEqual(facts());
    expect(receiptView({ ...aReceipt(), looks: [] })['facts']).toBeUndefined();
  });

  it('of a dead verdict - says what followed from it; of any other, nothing', () => {
    expect(receiptView({ ...aReceipt(), act: 'withheld' })).toMatchObject({ act: 'withheld' });
    expect(receiptView(aReceipt())).not.toHaveProperty('act');
  });

  it('of a call with a request - names it', () => {
    expect(receiptView({ ...aReceipt(), requestId: 'request-1' })).toMatchObject({ requestId: 'request-1' });
    expect(receiptView(aReceipt())).not.toHaveProperty('requestId');
  });
});

describe('a request as the API shows it', () => {
  it('parked - where it stands, and nothing that is not there', () => {
    expect(requestView(deepFrozen(aRequest()), { position: 3 })).toStrictEqual({
      requestId: 'request-1',
      workspaceId: 'ws-1',
      state: 'parked',
      position: 3,
      attempts: 0,
      ambiguous: false,
      parkedAt: '2026-11-24T11:59:59.100Z',
      expiresAt: '2026-11-24T13:00:00.000Z',
    });
  });

  it('not yet parked - since when it is being accepted', () => {
    const { parkedAtMs: _parkedAtMs, ...accepting } = aRequest({ state: 'accepting' });
    expect(requestView(accepting)).toMatchObject({ parkedAt: '2026-11-24T11:59:59.000Z' });
    expect(requestView(accepting)).not.toHaveProperty('position');
  });

  it('ended - why, when, and what the agent said', () => {
    const ended = aRequest({ state: 'delivered', why: 'x', finishedAtMs: NOW_MS, heldBy: 'verdict-1' });
    expect(requestView(ended, { response: { status: 200 } })).toMatchObject({
      heldBy: 'verdict-1',
      why: 'x',
      finishedAt: NOON,
      response: { status: 200 },
    });
  });

  it('waited for - when it will probably be delivered, as a guess, and what the guess is made of', () => {
    const estimate = { atMs: NOW_MS, turnMs: 4500, recoveryMs: 60_000 };
    expect(requestView(aRequest(), { estimate })['estimate']).toStrictEqual({
      deliveredAt: NOON,
      label: 'estimate',
      basis: { turnSeconds: 4.5, recoverySeconds: 60 },
    });
  });

  it('sent again after it was given up - the one names the other', () => {
    expect(requestView(aRequest({ redriveOf: 'request-0' }))).toMatchObject({ redriveOf: 'request-0' });
    expect(requestView(aRequest({ redrivenAs: 'request-2' }))).toMatchObject({ redrivenAs: 'request-2' });
  });

  it('never shows who parked it, nor its key', () => {
    expect(JSON.stringify(requestView(aRequest({ caller: 'role/secret', callersKey: 'key-1' })))).not.toMatch(
      /secret|key-1/,
    );
  });
});

describe('the fleet as the API shows it', () => {
  it('at rest', () => {
    expect(fleetView(deepFrozen(aFleet()), 40, 3)).toEqual({
      workspaces: 40,
      brake: { state: 'closed', cause: null, because: null, openedAt: null, closesAt: null },
      ramp: null,
      paused: null,
      restartsInFlight: [],
      restartSlots: 3,
      recentDeaths: 0,
      deathGroups: [],
    });
  });

  it('in trouble - why, since when, until when, and who restarts', () => {
    const fleet = aFleet({
      brake: 'open',
      brakeCause: 'deaths',
      brakeBecause: '3 workspaces looked dead',
      openedAtMs: NOW_MS,
      closesAtMs: NOW_MS,
      pause: { by: 'role/operator', reason: 'x', untilMs: NOW_MS },
      admitted: { a: { workspaceId: 'ws-1', deadlineMs: NOW_MS } },
      deaths: ['ws-2', 'ws-3'].map((workspaceId) => ({ workspaceId, atMs: NOW_MS, zone: 'us-east-1a' })),
    });
    expect(fleetView(deepFrozen(fleet), 40, 3)).toMatchObject({
      brake: {
        state: 'open',
        cause: 'deaths',
        because: '3 workspaces looked dead',
        openedAt: NOON,
        closesAt: NOON,
      },
      paused: { by: 'role/operator', reason: 'x', until: NOON },
      restartsInFlight: ['ws-1'],
      recentDeaths: 2,
      deathGroups: [{ factor: 'zone', value: 'us-east-1a', deaths: 2 }],
    });
  });

  it('on the ramp - how wide it is, and how far it has come', () => {
    const ramp = { size: 4, running: ['a', 'b'], done: 1, sinceMs: NOW_MS };
    expect(fleetView(deepFrozen(aFleet({ ramp })), 40, 3)).toMatchObject({
      ramp: { size: 4, running: 2, done: 1 },
    });
  });

  it('when its item cannot be read - the brake counts as open', () => {
    expect(unreadableFleetView(40, 3)).toEqual({
      workspaces: 40,
      brake: {
        state: 'open',
        cause: 'unreadable',
        because: 'the fleet item cannot be read by this version',
        openedAt: null,
        closesAt: null,
      },
      restartSlots: 3,
    });
  });
});
