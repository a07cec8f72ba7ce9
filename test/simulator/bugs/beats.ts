/** Bugs of the heartbeat and of the workspace's row: time that goes back, beats of somebody else, reads of yesterday. */
import type { Bug } from './bug.ts';

const beatWrites = 'lambdas/adapters/beat-writes.ts';
const registry = 'lambdas/adapters/registry.ts';

export const beats: readonly Bug[] = [
  {
    name: 'old-beats-count',
    file: beatWrites,
    find: 'heartbeat.bootId = :bootId AND heartbeat.seq < :seq',
    replace: 'heartbeat.bootId = :bootId AND heartbeat.seq <> :seq',
    profile: 'doubts',
    breaks: ['S17'],
    says: 'a beat that comes late is taken for the latest',
    beside: [
      {
        file: beatWrites,
        find: 'instanceId = :instanceId AND freshUntilMs <= :freshUntil AND ${what.condition}',
        replace: 'instanceId = :instanceId AND ${what.condition}',
      },
    ],
  },
  {
    name: 'freshness-goes-back',
    file: beatWrites,
    find: 'instanceId = :instanceId AND freshUntilMs <= :freshUntil AND ${what.condition}',
    replace: 'instanceId = :instanceId AND ${what.condition}',
    profile: 'turns',
    breaks: ['S17'],
    says: 'a beat shortens the lease that the agent holds',
  },
  {
    name: 'retired-boots-count',
    file: beatWrites,
    find: "          '(attribute_not_exists(retiredBootId) OR retiredBootId <> :bootId)',\n",
    replace: '',
    profile: 'silences',
    breaks: ['S3'],
    says: 'a beat of the condemned boot counts',
  },
  {
    name: 'boot-before-counts',
    file: 'core/heartbeat.ts',
    find: "  if (isOver(workspace, beat, from.atMs)) return { kind: 'refused', why: 'replayed' };\n",
    replace: '',
    profile: 'silences',
    breaks: ['S17'],
    says: 'a late beat of the boot before is taken for a new boot',
  },
  {
    name: 'boot-before-is-deaf-for-good',
    file: 'core/heartbeat.ts',
    find: 'return claim !== undefined || beat.seq <= previousSeq || isFresh(freshUntilMs, atMs);',
    replace: 'return true;',
    profile: 'reboots',
    breaks: ['V5'],
    says: 'a late first beat of a boot that is over makes the living one the boot before, and nobody hears it any more',
  },
  {
    name: 'instance-of-another',
    file: beatWrites,
    find: '`instanceId = :instanceId AND',
    replace: '`(instanceId = :instanceId OR attribute_exists(instanceId)) AND',
    profile: 'operators',
    breaks: ['S6'],
    says: 'beats of the instance before count for the new one',
    beside: [
      {
        file: 'core/heartbeat.ts',
        find: "  if (from.instanceId !== workspace.instanceId) return { kind: 'refused', why: 'wrong-instance' };\n",
        replace: '',
      },
    ],
  },
  {
    name: 'claim-outlives-its-instance',
    file: registry,
    find: '`REMOVE removed, heartbeat, evidence, claim, retiredBootId',
    replace: '`REMOVE removed, heartbeat, evidence, retiredBootId',
    profile: 'operators',
    breaks: ['S6', 'S8', 'S18'],
    says: 'a claim stays open when another instance is registered',
  },
  {
    name: 'generation-begins-anew',
    file: registry,
    find: "'generation = if_not_exists(generation, :zero) + :one, settleUntilMs",
    replace: "'generation = :zero + :one, settleUntilMs",
    profile: 'operators',
    breaks: ['S7'],
    says: 'a new instance begins again with the first generation',
  },
  {
    name: 'announced-window-goes-back',
    file: registry,
    find: "'generation = :generation AND settleUntilMs <= :until'",
    replace: "'generation = :generation'",
    profile: 'changes',
    breaks: ['S17'],
    says: 'a shorter window is written over a longer one',
    beside: [
      {
        file: 'lambdas/operate/settle.ts',
        find: 'if (untilMs > found.settleUntilMs) {',
        replace: 'if (untilMs > 0) {',
      },
    ],
  },
  {
    name: 'receipts-change',
    file: 'lambdas/adapters/receipt-store.ts',
    find: '`attribute_not_exists(pk) OR (${isOpen})`',
    replace: '`attribute_not_exists(pk) OR (${isOpen}) OR #final <> :no`',
    profile: 'copies',
    breaks: ['S24'],
    says: 'a verdict that was told is told otherwise',
  },
];
