/** Worlds for bugs: the few things of which one guard is made, far more often than they happen, and cheap to live in. */
import { profiles, type Profile, type ProfileName } from '../profiles.ts';
import { only } from '../swarm.ts';

const nothing = only();
const open = {
  brakeMinimum: 100_000,
  brakeEc2Share: 1,
  maxRestartShare: 1,
  restartsPerWindow: 100,
  settleSeconds: 5,
  mode: 'enforce',
  respectManualStop: false,
  whenPaused: 'park',
  silentAfterSeconds: 60,
} as const;

export const worlds = {
  changes: {
    what: 'people change their minds while slow functions restart what dies',
    weights: {
      ...nothing,
      instanceStops: 20,
      slow: 0.4,
      paused: 40,
      settled: 40,
      personStops: 15,
      forced: 4,
      twice: 0.1,
    },
    settings: open,
    workspaces: 1,
  },
  doubts: {
    what: 'every second probe is wrong, beats come late, functions are slow and called twice',
    weights: {
      ...nothing,
      falseStopped: 0.6,
      cutFromProxy: 30,
      cutFromDefib: 15,
      beatLate: 0.4,
      slow: 0.3,
      twice: 0.3,
      late: 0.3,
      calledTwice: 0.5,
    },
    settings: open,
    workspaces: 1,
  },
  silences: {
    what: 'agents that go, come back, are cut off and are heard again, while people use the console',
    weights: {
      ...nothing,
      agentGone: 12,
      agentCrash: 8,
      agentHang: 8,
      agentStarved: 8,
      cutFromDefib: 20,
      cutFromProxy: 20,
      beatLate: 0.3,
      slow: 0.3,
      twice: 0.3,
      console: 8,
    },
    settings: open,
    workspaces: 1,
  },
  copies: {
    what: 'each message twice, answers lost, functions that end half way, starts that EC2 refuses',
    weights: {
      ...nothing,
      instanceStops: 15,
      agentGone: 10,
      twice: 0.5,
      undeleted: 0.3,
      lost: 0.1,
      late: 0.2,
      slow: 0.3,
      crashBefore: 0.04,
      crashAfter: 0.04,
      vanished: 0.1,
      noCapacity: 0.3,
      ordered: 6,
    },
    settings: open,
    workspaces: 1,
  },
  mortals: {
    what: 'what is started stops again, and the budget is small',
    weights: { ...nothing, instanceStops: 60 },
    settings: { ...open, restartsPerWindow: 1 },
    workspaces: 1,
  },
  turns: {
    what: 'turns of all lengths, leases, and requests that wait for them while everything fails now and then',
    weights: {
      ...nothing,
      longTurn: 20,
      agentCrash: 10,
      agentHang: 10,
      cutFromProxy: 40,
      lost: 0.1,
      error: 0.1,
      crashBefore: 0.04,
      crashAfter: 0.04,
      twice: 0.3,
      undeleted: 0.2,
      late: 0.2,
      slow: 0.3,
      answerLost: 0.3,
      calledTwice: 0.3,
      cancelled: 10,
      instanceStops: 6,
    },
    settings: open,
    workspaces: 1,
  },
  times: {
    what: 'most clocks are wrong by minutes, half of the probes are wrong too',
    weights: {
      ...nothing,
      skewed: 0.7,
      falseStopped: 0.4,
      cutFromProxy: 30,
      instanceStops: 10,
      slow: 0.1,
      console: 10,
    },
    settings: open,
    workspaces: 1,
  },
  storms: {
    what: 'half a small fleet dies at once, again and again',
    weights: {
      ...nothing,
      storm: 10,
      twice: 0.2,
      late: 0.1,
      slow: 0.2,
      crashAfter: 0.02,
      fleetPaused: 4,
      lost: 0.05,
    },
    settings: { ...open, brakeMinimum: 2, brakeShare: 0.2, maxRestartShare: 0.05, brakeWindowSeconds: 120 },
    workspaces: 6,
  },
} as const satisfies Record<string, Profile>;

export type BugWorld = ProfileName | keyof typeof worlds;

/** Adds these worlds to those of the simulator, in this thread. */
export function addWorlds(): void {
  Object.assign(profiles, worlds);
}
