/**
 * Worlds of one kind. `swarm` is the usual one: of everything a little. In an isolation profile nothing goes wrong but
 * what one guard is there for, and the other guards are as wide open as the settings allow: so each guard is seen to
 * matter, since a bug in it is not made good by another one.
 */
import type { PolicySettings } from '../../core/policy.ts';
import { only, type Weights } from './swarm.ts';

export interface Profile {
  readonly what: string;
  readonly weights: Partial<Weights>;
  readonly settings: Partial<PolicySettings>;
  /** @default drawn by the seed */
  readonly workspaces?: number;
  /** Mean time between two requests to a workspace. @default drawn by the seed */
  readonly requestEveryMs?: number;
  /** How long things go wrong at least. @default as long as asked for */
  readonly minutes?: number;
}

const noBrake = { brakeMinimum: 100_000, brakeEc2Share: 1, maxRestartShare: 1 } as const;
const noBudget = { restartsPerWindow: 100 } as const;
const shortSettle = { settleSeconds: 5 } as const;
const enforcing = { mode: 'enforce', respectManualStop: false, whenPaused: 'park' } as const;
const open = { ...noBrake, ...noBudget, ...shortSettle, ...enforcing } as const;

export const profiles = {
  swarm: { what: 'everything, weights by the seed', weights: {}, settings: {} },
  calm: {
    what: 'agents and instances die; nothing of AWS fails',
    weights: only('agentCrash', 'agentGone', 'instanceStops'),
    settings: enforcing,
  },
  heartbeat: {
    what: 'false probes of living agents: only their beats speak for them',
    weights: only('falseStopped', 'staleProbe', 'cutFromProxy', 'beatLate', 'slow', 'twice'),
    settings: open,
    workspaces: 1,
  },
  settle: {
    what: 'instances that start, by whose hand ever, under probes of a while ago',
    weights: only('console', 'settled', 'staleProbe', 'instanceStops', 'agentCrash'),
    settings: { ...noBrake, ...noBudget, ...enforcing, settleSeconds: 60, silentAfterSeconds: 60 },
    workspaces: 1,
  },
  claim: {
    what: 'copies and lost answers around the claim and its acts',
    weights: only(
      'twice',
      'lost',
      'crashBefore',
      'crashAfter',
      'undeleted',
      'late',
      'instanceStops',
      'agentGone',
    ),
    settings: { ...open, silentAfterSeconds: 60 },
    workspaces: 1,
  },
  silent: {
    what: 'agents that go, hang, and come back, on instances that run',
    weights: only(
      'agentGone',
      'agentCrash',
      'agentHang',
      'cutFromDefib',
      'beatLate',
      'frozen',
      'slow',
      'console',
    ),
    settings: { ...open, silentAfterSeconds: 60 },
    workspaces: 1,
  },
  clocks: {
    what: 'clocks that are wrong, by much and by little',
    weights: only(
      'skewed',
      'slightlySkewed',
      'thawLag',
      'falseStopped',
      'instanceStops',
      'agentGone',
      'slow',
    ),
    settings: { ...open, silentAfterSeconds: 60 },
    workspaces: 1,
  },
  operators: {
    what: 'people who pause, stop, remove, replace and order while instances die',
    weights: only(
      'paused',
      'personStops',
      'removed',
      'replaced',
      'ordered',
      'forced',
      'settled',
      'cancelled',
      'instanceStops',
      'agentGone',
      'slow',
      'lost',
      'twice',
    ),
    settings: { ...open, silentAfterSeconds: 60 },
  },
  brake: {
    what: 'storms over a fleet',
    weights: only(
      'storm',
      'ec2Down',
      'liar',
      'instanceStops',
      'brakeReleased',
      'fleetPaused',
      'twice',
      'crashAfter',
    ),
    settings: { ...enforcing, restartsPerWindow: 100 },
    workspaces: 8,
  },
  parking: {
    what: 'requests that wait, while functions crash and messages come twice, late or never',
    weights: only(
      'lost',
      'error',
      'crashBefore',
      'crashAfter',
      'twice',
      'undeleted',
      'late',
      'agentCrash',
      'agentHang',
      'longTurn',
      'cutFromProxy',
      'cancelled',
      'redrive',
      'removed',
      'paused',
      'frozen',
      'answerLost',
      'calledTwice',
    ),
    settings: { ...open },
    workspaces: 1,
  },
  versions: {
    what: 'messages of another version, and rubbish',
    weights: only('poison', 'newerVersion', 'instanceStops'),
    settings: open,
    workspaces: 1,
  },
  capacity: {
    what: 'EC2 has no room for what is to be started, for longer than anybody waits',
    weights: { ...only('instanceStops'), noCapacity: 0.97, twice: 0.2 },
    settings: open,
    workspaces: 1,
    requestEveryMs: 120_000,
    minutes: 100,
  },
  stuck: {
    what: 'instances that do not get out of stopping, and agents that go mute',
    weights: { ...only('instanceStops', 'agentGone', 'agentHang', 'ordered'), stuck: 0.7 },
    settings: { ...open, silentAfterSeconds: 60 },
    workspaces: 1,
    minutes: 45,
  },
  ages: {
    what: 'days that go by in a moment, after which the table removes what has expired, item by item',
    weights: {
      ...only(
        'undeleted',
        'twice',
        'late',
        'redrive',
        'instanceStops',
        'agentGone',
        'agentHang',
        'cutFromProxy',
        'calledTwice',
        'answerLost',
        'lost',
        'cancelled',
        'purge',
      ),
      ages: 20,
    },
    settings: { ...open, silentAfterSeconds: 60 },
    workspaces: 1,
    requestEveryMs: 20_000,
  },
  strangers: {
    what: 'instances that are terminated or replaced, whose addresses somebody else has before EC2 says so',
    weights: {
      ...only('staleProbe', 'addressReused', 'replaced', 'cutFromProxy', 'agentCrash', 'longTurn', 'slow'),
      terminated: 12,
      replaced: 6,
      staleProbe: 0.9,
    },
    settings: { ...open, peerProof: 'well-known' },
    workspaces: 1,
    requestEveryMs: 8000,
  },
  deploys: {
    what: 'two and three versions of the code at once, each with its own items and messages',
    weights: only(
      'newerCode',
      'olderCode',
      'newerMessages',
      'instanceStops',
      'agentGone',
      'agentCrash',
      'agentHang',
      'cutFromProxy',
      'paused',
      'ordered',
      'approved',
      'replaced',
      'storm',
      'late',
      'twice',
      'lost',
    ),
    settings: { ...open, silentAfterSeconds: 60 },
    workspaces: 3,
  },
  schemas: {
    what: 'a newer version whose items this one cannot read',
    weights: only(
      'newerCode',
      'newerItems',
      'newerMessages',
      'crashBefore',
      'undeleted',
      'instanceStops',
      'agentGone',
      'cutFromProxy',
      'paused',
      'replaced',
      'late',
      'twice',
    ),
    settings: { ...open, silentAfterSeconds: 60 },
    workspaces: 1,
  },
  tenants: {
    what: 'workspaces side by side, each with callers of its own, and strangers who ask',
    weights: only('pries', 'instanceStops', 'falseStopped', 'cutFromProxy', 'late', 'twice', 'poison'),
    settings: open,
    workspaces: 4,
    requestEveryMs: 30_000,
  },
  incident: {
    what: 'the incident: forward errors a moment after a beat, probes that say stopped',
    weights: only('falseStopped', 'cutFromProxy'),
    settings: open,
    workspaces: 1,
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;
export const profileNames = Object.keys(profiles) as readonly ProfileName[];
