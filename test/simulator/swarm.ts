/**
 * What may go wrong in a world, and how often. Each fault is off in about half of the seeds and of a weight of its own
 * in the others (swarm testing), so that every pair of faults meets, and each also meets a world that is otherwise calm.
 */
import type { Random } from './random.ts';

/** Shares of calls to AWS. */
const ofCalls = {
  /** The call fails, and nothing was done. */
  error: 0.04,
  /** Done, but reported as an error. */
  lost: 0.04,
  throttled: 0.04,
  crashBefore: 0.015,
  crashAfter: 0.015,
  slow: 0.03,
  /** The sandbox stands still for minutes, then goes on. */
  frozen: 0.004,
} as const;

/** Shares of probes that say something else than what is. */
const ofProbes = {
  /** The state of some seconds ago. */
  staleProbe: 0.3,
  absentProbe: 0.08,
  /** The incident: a running instance is said to be stopped. */
  falseStopped: 0.25,
  /** A state without a LaunchTime, or a word that nobody knows. */
  oddProbe: 0.05,
} as const;

/** Shares of acts of EC2 that are refused, or come to nothing. */
const ofActs = { noCapacity: 0.4, actThrottled: 0.2, actDenied: 0.08, fallsBack: 0.15, stuck: 0.15 } as const;

/** Shares of messages. */
const ofMessages = {
  twice: 0.08,
  late: 0.1,
  /** What was done is not deleted. */
  undeleted: 0.08,
  /** A message vanishes. */
  vanished: 0.01,
} as const;

/** Shares of heartbeats, and of calls of the API. */
const ofBeats = {
  beatLost: 0.2,
  beatLate: 0.15,
  beatTwice: 0.08,
  answerLost: 0.08,
  calledTwice: 0.1,
} as const;

/** Shares of turns that an agent does not do, and of reads without ConsistentRead that show what was. */
const ofAnswers = { badTurn: 0.4, staleRead: 0.6 } as const;

/** Shares of sandboxes. */
const ofSandboxes = { skewed: 0.3, slightlySkewed: 0.5, thawLag: 0.3 } as const;

/** How many times in an hour and workspace something happens to it. */
const perHour = {
  agentCrash: 4,
  agentGone: 3,
  agentHang: 4,
  agentStarved: 4,
  instanceStops: 5,
  terminated: 0.5,
  cutFromProxy: 5,
  cutFromDefib: 5,
  longTurn: 6,
  console: 3,
  personStops: 1,
  replaced: 1,
  removed: 0.6,
  paused: 3,
  settled: 3,
  ordered: 3,
  forced: 2,
  cancelled: 4,
  approved: 20,
  released: 6,
} as const;

/** How many times in an hour something happens to all. */
const perHourOfAll = {
  storm: 3,
  ec2Down: 3,
  dynamoDown: 2,
  sqsDown: 2,
  fleetPaused: 1,
  brakeReleased: 4,
  redrive: 4,
  poison: 6,
  newerVersion: 4,
  purge: 0.5,
  liar: 2,
} as const;

/** What came to the others later: shares. */
const laterShares = {
  /** Of the addresses of terminated instances: somebody else is there at once. */
  addressReused: 0.9,
  /** Of sandboxes: they run the code of the next version, or of the one before. */
  newerCode: 0.6,
  olderCode: 0.6,
  /** Whether the next version sends messages, and writes workspaces, of a schema of its own. */
  newerMessages: 1,
  newerItems: 1,
} as const;

/** And how many times in an hour something happens to all. */
const laterPerHourOfAll = {
  /** Somebody who has no part in it asks for a request. */
  pries: 6,
  /** Days go by. */
  ages: 2,
} as const;

const largest = {
  ...ofCalls,
  ...ofProbes,
  ...ofActs,
  ...ofMessages,
  ...ofBeats,
  ...ofAnswers,
  ...ofSandboxes,
  ...perHour,
  ...perHourOfAll,
  ...laterPerHourOfAll,
  ...laterShares,
} as const;

export type FaultName = keyof typeof largest;
const faultNames = Object.keys(largest) as readonly FaultName[];
export type Weights = Readonly<Record<FaultName, number>>;

export const ofWorkspaces = Object.keys(perHour) as readonly (keyof typeof perHour)[];
const allPerHour = { ...perHourOfAll, ...laterPerHourOfAll };
export const ofAll = Object.keys(allPerHour) as readonly (keyof typeof allPerHour)[];
const later: readonly string[] = Object.keys({ ...laterPerHourOfAll, ...laterShares });

/**
 * The weights of one seed. What came later is drawn from a chance of its own: a seed in which it is off is the life that
 * it was before.
 */
export function swarm(random: Random, ofLater: Random): Weights {
  const weights: Record<string, number> = {};
  for (const name of faultNames) {
    const chance = later.includes(name) ? ofLater : random;
    const isOff = chance.chance(0.5);
    const share = chance.next();
    weights[name] = isOff ? 0 : share * largest[name];
  }
  return weights as Weights;
}

/** A world in which nothing goes wrong but what is named, each at its largest. */
export function only(...names: readonly FaultName[]): Weights {
  return Object.fromEntries(
    faultNames.map((name) => [name, names.includes(name) ? largest[name] : 0]),
  ) as unknown as Weights;
}
