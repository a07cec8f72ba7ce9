/** What a seed is: how many workspaces, which policy, and what goes wrong how often. */
import { defaultSettings, type Mode, type PolicySettings } from '../../core/policy.ts';
import type { BeatOptions } from './machine.ts';
import { profiles, type Profile, type ProfileName } from './profiles.ts';
import { seeded, type Random } from './random.ts';
import { swarm, type Weights } from './swarm.ts';

export interface Plan {
  readonly seed: number;
  readonly profile: ProfileName;
  /** How long things go wrong; after that the world is calm. */
  readonly minutes: number;
  readonly workspaces: number;
  readonly weights: Weights;
  readonly settings: PolicySettings;
  /** Mean time between two requests to a workspace. */
  readonly requestEveryMs: number;
  /** How often the sweep comes: every minute as it is deployed, or less often where its calls are lost. */
  readonly sweepEveryMs: number;
  /** Whether anybody still asks for a dead workspace when the world is calm. */
  readonly callersStay: boolean;
  readonly beats: readonly BeatOptions[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly profile: ProfileName;
  readonly minutes: number;
  /** @default drawn by the seed, mostly one */
  readonly workspaces?: number;
}

const often = { requestEveryMs: [40_000, 90_000, 180_000], sweepEveryMs: [60_000] } as const;
/** Lives of few requests cost half as much, and find more in the same time: so there are many of them. */
const seldom = {
  requestEveryMs: [40_000, 120_000, 240_000, 240_000, 480_000, 480_000],
  sweepEveryMs: [60_000, 300_000, 300_000],
} as const;

export function planOf({ seed, profile, minutes, workspaces }: PlanOptions): Plan {
  const random = seeded(seed);
  const ofLater = seeded(seed ^ 0x1f83d9ab);
  const {
    weights,
    settings,
    workspaces: few,
    requestEveryMs,
    minutes: atLeast = 0,
  }: Profile = profiles[profile];
  const drawn = few ?? sizeOf(random);
  // A world of one kind is lived in few seeds, and what it is there for shall happen often in each.
  const rates = profile === 'swarm' ? seldom : often;
  return {
    seed,
    profile,
    minutes: Math.max(minutes, atLeast),
    workspaces: workspaces ?? drawn,
    weights: { ...swarm(random, ofLater), ...weights },
    settings: { ...settingsOf(random), peerProof: ofLater.chance(0.3) ? 'well-known' : 'none', ...settings },
    callersStay: random.chance(0.5),
    requestEveryMs: random.pick(rates.requestEveryMs),
    sweepEveryMs: random.pick(rates.sweepEveryMs),
    beats: Array.from({ length: 3 }, () => beatsOf(random)),
    ...(requestEveryMs !== undefined && { requestEveryMs }),
  };
}

function sizeOf(random: Random): number {
  const drawn = random.next();
  if (drawn < 0.85) return 1;
  if (drawn < 0.96) return 2;
  if (drawn < 0.99) return 3;
  return random.between(4, 8);
}

function settingsOf(random: Random): PolicySettings {
  const mode = random.pick<Mode>([
    'enforce',
    'enforce',
    'enforce',
    'enforce',
    'enforce',
    'enforce',
    'enforce',
    'approve',
    'observe',
  ]);
  return {
    ...defaultSettings,
    mode,
    settleSeconds: random.pick([60, 60, 60, 30, 20]),
    silentAfterSeconds: random.pick([180, 180, 60, null]),
    deliverTimeoutSeconds: random.pick([20, 60, 300]),
    restartsPerWindow: random.pick([3, 3, 10]),
    whenPaused: random.pick(['park', 'park', 'refuse']),
    respectManualStop: random.chance(0.1),
    maxActiveTasks: random.pick([1, 2]),
  };
}

/** Short ones are rare, since they cost the most: each beat is an invocation, and shows little that is new. */
function intervalOf(drawn: number): number {
  if (drawn < 0.02) return 5000;
  if (drawn < 0.1) return 15_000;
  return drawn < 0.55 ? 30_000 : 60_000;
}

function beatsOf(random: Random): BeatOptions {
  return {
    intervalMs: intervalOf(random.next()),
    declares: random.chance(0.8),
    leases: random.chance(0.3),
  };
}
