/** What would have flipped each judgement: data for the receipt, exact to the field. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../core/judge.ts';
import type { Facts } from '../../core/facts.ts';
import type { Flip, Rule } from '../../core/verdict.ts';
import {
  aClaim,
  aHeartbeat,
  aMuteWorkspace,
  anEvidence,
  aWorkspace,
  deadlyFacts,
  facts,
  notMade,
  NOW_MS,
  OTHER_INSTANCE,
  policy,
  seen,
} from './builders.ts';

const pause = { by: 'role/operator', reason: 'x' };
const heard: Flip = { kind: 'heartbeat-arrives', afterMs: aHeartbeat().atMs };
const runs: Flip = { kind: 'probe-says-running' };
const promised = aHeartbeat({ declaresInterval: true });

describe('what would have led to another judgement', () => {
  it.each<[Rule, string, Facts, readonly Flip[]]>([
    ['1-unknown-workspace', 'nothing', facts('unknown'), []],
    ['1a-facts-malformed', 'nothing that is known', facts('malformed'), []],
    [
      '1b-clock-unsure',
      'clocks that agree',
      facts(aWorkspace(), { clock: 'unknown' }),
      [{ kind: 'clocks-agree' }],
    ],
    ['2-paused', 'its end, whenever that is', facts(aWorkspace({ pause })), [{ kind: 'pause-ends' }]],
    [
      '2-paused',
      'its end',
      facts(aWorkspace({ pause: { ...pause, untilMs: NOW_MS + 9 } })),
      [{ kind: 'pause-ends', afterMs: NOW_MS + 9 }],
    ],
    [
      '2-paused',
      'no hour of any day, when it is wanted stopped',
      facts(aWorkspace({ desired: 'stopped', pause: { ...pause, untilMs: NOW_MS + 9 } })),
      [{ kind: 'pause-ends' }],
    ],
    ['3-restarting', 'its end', facts(aWorkspace({ claim: aClaim() })), [{ kind: 'claim-ends' }]],
    [
      '4-settling',
      'the end of the window',
      facts(aWorkspace({ settleUntilMs: NOW_MS + 9 })),
      [{ kind: 'settle-window-ends', afterMs: NOW_MS + 9 }],
    ],
    ['4a-moved', 'nothing', facts(aWorkspace(), { reportedInstanceId: OTHER_INSTANCE }), []],
    ['4b-look', 'nothing', facts(aWorkspace(), { probe: notMade }), []],
    [
      '5-probe-queued',
      'nothing',
      facts(aWorkspace(), { probe: { kind: 'unknown', cause: 'throttled' } }),
      [],
    ],
    [
      '6-probe-unknown',
      'any clear answer',
      facts(aWorkspace(), { probe: seen('pending') }),
      [runs, { kind: 'probe-says-stopped' }],
    ],
    [
      '7-running',
      'a probe that says stopped',
      facts(aWorkspace(), { probe: seen('running') }),
      [{ kind: 'probe-says-stopped' }],
    ],
    [
      '8-heartbeat-fresh',
      'silence',
      facts(aWorkspace({ freshUntilMs: NOW_MS })),
      [{ kind: 'heartbeat-goes-stale', afterMs: NOW_MS }],
    ],
    ['9-first-sighting', 'a sign of life', facts(), [heard, runs]],
    [
      '9-first-sighting',
      'the first sign of life ever',
      facts(aMuteWorkspace()),
      [{ kind: 'heartbeat-arrives' }, runs],
    ],
    [
      '10-not-yet',
      'a sign of life, or the second look',
      deadlyFacts({ asker: 'caller' }),
      [heard, runs, { kind: 'second-sighting', afterMs: NOW_MS }],
    ],
    ['11-dead', 'a sign of life', deadlyFacts(), [heard, runs]],
    [
      '11-dead',
      'for a silent agent, a beat alone: its instance runs already',
      facts(aWorkspace({ heartbeat: promised, evidence: anEvidence({ kind: 'silent' }) }), {
        asker: 'reprobe',
        probe: seen('running'),
        errorKind: 'eof',
      }),
      [heard],
    ],
  ])('%s - %s', (rule, _what, judged, flip) => {
    const said = judge(judged, policy);
    expect(said.rule).toBe(rule);
    expect(said.flip).toStrictEqual(flip);
  });
});
