/** Facts that the stories of the truth table never meet: what nobody may act upon, and the row that says so. */
import type { Facts } from '../../core/facts.ts';
import type { Rule } from '../../core/verdict.ts';
import {
  aHeartbeat,
  anEvidence,
  aWorkspace,
  deadlyFacts,
  facts,
  notMade,
  NOW_MS,
  OTHER_INSTANCE,
} from './builders.ts';

const inAMinuteMs = NOW_MS + 60_000;

export const unusableFacts: readonly (readonly [rule: Rule, what: string, facts: Facts])[] = [
  ['1-unknown-workspace', 'an unknown workspace is unknown', facts('unknown')],
  ['1a-facts-malformed', 'a workspace that cannot be read is busy', facts('malformed')],
  [
    '1a-facts-malformed',
    'a beat from the future is busy',
    facts(aWorkspace({ heartbeat: aHeartbeat({ atMs: inAMinuteMs }) })),
  ],
  [
    '1a-facts-malformed',
    'evidence from the future is busy',
    facts(aWorkspace({ evidence: anEvidence({ atMs: inAMinuteMs }) }), { asker: 'reprobe' }),
  ],
  ['1b-clock-unsure', 'clocks that disagree are busy', deadlyFacts({ clock: 'disagrees' })],
  ['1b-clock-unsure', 'a clock without a second opinion is busy', deadlyFacts({ clock: 'unknown' })],
  [
    '4a-moved',
    'another instance than the registered one is busy',
    deadlyFacts({ reportedInstanceId: OTHER_INSTANCE }),
  ],
  [
    '4a-moved',
    'an instance that moved is busy before anybody looks',
    facts(aWorkspace(), { reportedInstanceId: OTHER_INSTANCE, probe: notMade }),
  ],
];
