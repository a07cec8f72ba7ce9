/** Bugs of waiting: too short, too long, or without a word to anybody. */
import type { Bug } from './bug.ts';

const batch = 'lambdas/runtime/sqs-batch.ts';

export const patience: readonly Bug[] = [
  {
    name: 'wait-for-capacity-does-not-grow',
    file: 'lambdas/restart/power.ts',
    find: 'Math.min(firstSeconds * 2 ** Math.min(attempt - 1, 10), longestSeconds)',
    replace: 'Math.min(firstSeconds * Math.min(attempt, 1), longestSeconds)',
    profile: 'capacity',
    breaks: ['V4'],
    says: 'a Start that met no capacity is tried every half minute',
  },
  {
    name: 'capacity-is-given-up-early',
    file: 'core/claim.ts',
    find: 'CAPACITY_DEADLINE_MS = 60 * 60_000',
    replace: 'CAPACITY_DEADLINE_MS = 40 * 60_000',
    profile: 'capacity',
    breaks: ['V4'],
    says: 'a Start that meets no capacity is given up after forty minutes',
  },
  {
    name: 'given-up-and-told-to-nobody',
    file: 'lambdas/restart/tell.ts',
    find: "  failed: 'restart.failed',",
    replace: "  failed: 'restart.done',",
    profile: 'capacity',
    breaks: ['V4'],
    says: 'a restart that was given up is told as one that was done',
  },
  {
    name: 'stuck-in-a-restart-is-told-to-nobody',
    file: 'lambdas/restart/handle.ts',
    find: '      if (isStuckStopping(view)) {',
    replace: '      if (isStuckStopping(view) && claim.attempt > 1000) {',
    profile: 'stuck',
    breaks: ['V7'],
    says: 'a restart waits for an instance that is stuck in stopping, and nobody is paged',
  },
  {
    name: 'busy-for-ever',
    file: 'core/stuck.ts',
    find: 'isStuck: now.earliestMs - sinceMs > STUCK_AFTER_MS,',
    replace: 'isStuck: now.earliestMs - sinceMs > STUCK_AFTER_MS * 1000,',
    profile: 'stuck',
    breaks: ['V5'],
    says: 'a workspace is busy without end, and nobody is paged',
  },
  {
    name: 'mute-is-told-to-nobody',
    file: 'lambdas/judging/stuck.ts',
    find: "judgement.call === 'alive' && isMute(",
    replace: "judgement.call === 'suspect' && isMute(",
    profile: 'stuck',
    breaks: ['V6'],
    says: 'an agent that runs and has gone mute is not reported',
  },
  {
    name: 'rubbish-fails-its-batch',
    file: batch,
    find: "    if (parsed.kind === 'message') readable.push(",
    replace:
      "    if (parsed.kind === 'malformed') throw new Error('rubbish');\n    if (parsed.kind === 'message') readable.push(",
    profile: 'versions',
    breaks: ['V10'],
    says: 'a message that can not be read fails all that lie beside it',
  },
  {
    name: 'one-fault-fails-all',
    file: batch,
    find: "    consumer.telemetry.log.count('BatchFailed');\n    return new Map<string, Settled>();",
    replace: "    consumer.telemetry.log.count('BatchFailed');\n    throw error;",
    profile: 'turns',
    breaks: ['S26'],
    says: 'a fault of a batch is thrown, and not answered with the messages that it leaves',
  },
  {
    name: 'rubbish-waits',
    file: batch,
    find: "  if (kind === 'unknown-version' && !(receives >= UNKNOWN_VERSION_RECEIVES)) {",
    replace: '  if (!(receives >= UNKNOWN_VERSION_RECEIVES)) {',
    profile: 'versions',
    breaks: ['V10'],
    says: 'a message that can not be read is tried five times',
  },
];
