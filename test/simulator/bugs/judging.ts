/** Bugs of the judge and of what it is told: a wrong look becomes evidence, or evidence outlives what it was bound to. */
import type { Bug } from './bug.ts';

const judge = 'core/judge.ts';
const facts = 'core/facts.ts';

export const judging: readonly Bug[] = [
  {
    name: 'evidence-lives-for-ever',
    file: judge,
    find: 'facts.now.latestMs - evidence.atMs <= policy.evidenceLifeMs',
    replace: 'evidence.atMs <= facts.now.latestMs',
    profile: 'doubts',
    breaks: ['S4'],
    says: 'the first sighting counts however old it is',
  },
  {
    name: 'evidence-outlives-a-beat',
    file: judge,
    find: '    evidence.seq === workspace.heartbeat?.seq &&\n',
    replace: '',
    profile: 'doubts',
    breaks: ['S3'],
    says: 'a beat since the first sighting does not void it',
    beside: [
      {
        file: judge,
        find: 'facts.now.latestMs - evidence.atMs <= policy.evidenceLifeMs',
        replace: 'evidence.atMs <= facts.now.latestMs',
      },
    ],
  },
  {
    name: 'second-sighting-at-once',
    file: judge,
    find: '(workspace.evidence?.atMs ?? Infinity) + policy.reprobeDelayMs',
    replace: 'workspace.evidence?.atMs ?? Infinity',
    profile: 'copies',
    breaks: ['S4'],
    says: 'a second sighting need not be two seconds later',
  },
  {
    name: 'evidence-of-another-boot',
    file: judge,
    find: '    evidence.launchTimeMs === launchTimeOf(facts.probe) &&\n',
    replace: '',
    profile: 'launches',
    breaks: ['S4', 'S2'],
    says: 'two sightings of different launches make one death',
    beside: [
      {
        file: judge,
        find: 'settleUntilMs(workspace.settleUntilMs, launchTimeOf(facts.probe), policy)',
        replace: 'settleUntilMs(workspace.settleUntilMs, undefined, policy)',
      },
      {
        file: 'lambdas/instance-change/handle.ts',
        find: 'if (untilMs <= workspace.settleUntilMs) return;',
        replace: 'if (untilMs > 0) return;',
      },
    ],
  },
  {
    name: 'settle-without-launch',
    file: judge,
    find: 'settleUntilMs(workspace.settleUntilMs, launchTimeOf(facts.probe), policy)',
    replace: 'settleUntilMs(workspace.settleUntilMs, undefined, policy)',
    profile: 'launches',
    breaks: ['S2'],
    says: 'an instance that somebody else has just started has no settle window',
    beside: [
      {
        file: 'lambdas/instance-change/handle.ts',
        find: 'if (untilMs <= workspace.settleUntilMs) return;',
        replace: 'if (untilMs > 0) return;',
      },
    ],
  },
  {
    name: 'heartbeat-outranks-nothing',
    file: judge,
    find: 'isFresh(workspace.freshUntilMs, facts.now.earliestMs)',
    replace: 'isFresh(0, facts.now.earliestMs)',
    profile: 'heartbeat',
    breaks: ['S1'],
    says: 'a fresh heartbeat keeps nobody from being declared dead',
    beside: [
      {
        file: 'lambdas/adapters/claim-conditions.ts',
        find: "  add('freshUntilMs < :staleBefore', ':staleBefore', requires.staleBeforeMs);\n",
        replace: '',
      },
    ],
  },
  {
    name: 'absent-is-terminated',
    file: 'lambdas/adapters/ec2-probe.ts',
    find: "if (!instance) return { probe: { kind: 'unknown', cause: 'absent' }, tags: {} };",
    replace:
      "if (!instance) return { probe: { kind: 'seen', state: 'terminated', instanceId: id, launchTimeMs: 1 }, tags: {} };",
    profile: 'swarm',
    breaks: ['S18'],
    says: 'an instance that is missing from one answer is taken for terminated',
  },
  {
    name: 'gone-is-found-again',
    file: 'lambdas/reprobe/handle.ts',
    find: "(call === 'suspect' || call === 'dead') && goneOf(workspace)",
    replace: "call === 'alive' && goneOf(workspace)",
    profile: 'strangers',
    breaks: ['S18'],
    says: 'a terminated instance is told of again at each deferral of what waits for it',
    beside: [
      {
        file: 'core/readiness.ts',
        find: "  if (goneOf(workspace)) return 'gone';\n",
        replace: '',
      },
    ],
  },
  {
    name: 'throttled-is-stopped',
    file: 'lambdas/adapters/ec2-probe.ts',
    find: "for (const id of ids) looks.set(id, { probe: { kind: 'unknown', cause }, tags: {} });",
    replace:
      "for (const id of ids) looks.set(id, { probe: { kind: 'seen', state: 'stopped', instanceId: id, launchTimeMs: 1 }, tags: {} });",
    profile: 'turns',
    breaks: ['S4'],
    says: 'a probe that fails is taken for a no',
  },
  {
    name: 'stopping-is-stopped',
    file: judge,
    find: "  if (state === 'stopping' || state === 'shutting-down') return because('stopping');\n",
    replace: '',
    profile: 'changes',
    breaks: ['S4'],
    says: 'an instance that is stopping counts as stopped',
    beside: [
      {
        file: facts,
        find: "if (probe.state === 'stopped' || probe.state === 'terminated') return 'stopped';",
        replace: "if (probe.state !== 'running' && probe.state !== 'pending') return 'stopped';",
      },
    ],
  },
  {
    name: 'deadline-is-silence',
    file: 'core/forward-error.ts',
    find: "return kind === 'refused' || kind === 'reset' || kind === 'eof';",
    replace: "return kind === 'refused' || kind === 'reset' || kind === 'eof' || kind === 'deadline';",
    profile: 'silences',
    breaks: ['S4'],
    says: 'an agent that is slow counts as one that is gone',
  },
  {
    name: 'silence-of-the-boot-before',
    file: facts,
    find: '  if (heartbeat.atMs < probe.launchTimeMs) return undefined;\n',
    replace: '',
    profile: 'silences',
    breaks: ['S9'],
    says: 'the silence before a launch counts against the boot that has just begun',
  },
  {
    name: 'silent-without-a-promise',
    file: facts,
    find: 'heartbeat?.declaresInterval !== true) return undefined;',
    replace: 'heartbeat === undefined) return undefined;',
    profile: 'silences',
    breaks: ['S4'],
    says: 'the silence of an agent that never said how often it beats counts',
  },
  {
    name: 'expiry-by-the-early-end',
    file: 'core/time.ts',
    find: 'latestMs: Math.max(ownClockMs, certainMs + passedMs),',
    replace: 'latestMs: Math.min(ownClockMs, certainMs + passedMs),',
    profile: 'times',
    breaks: ['S21'],
    says: 'a clock that is behind lets requests live longer',
  },
  {
    name: 'clock-ahead-is-trusted',
    file: 'core/clock.ts',
    find: ' && aheadMs <= skewMarginMs + DATE_RESOLUTION_MS',
    replace: '',
    profile: 'times',
    breaks: ['S1', 'S2'],
    says: 'a clock that is ahead agrees with everything',
    beside: [
      {
        file: 'core/time.ts',
        find: 'earliestMs: Math.min(ownClockMs, certainMs),',
        replace: 'earliestMs: Math.max(ownClockMs, certainMs),',
      },
    ],
  },
  {
    name: 'own-clock-for-a-message',
    file: 'core/time.ts',
    find: 'earliestMs: Math.min(ownClockMs, certainMs),',
    replace: 'earliestMs: Math.max(ownClockMs, certainMs),',
    profile: 'times',
    breaks: ['S1', 'S2'],
    says: 'the time of a message has no early end',
    beside: [
      {
        file: 'core/clock.ts',
        find: ' && aheadMs <= skewMarginMs + DATE_RESOLUTION_MS',
        replace: '',
      },
    ],
  },
];
