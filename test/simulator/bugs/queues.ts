/** Bugs of what surrounds the handlers: an error swallowed, a message forgotten, the fleet's one item written over. */
import type { Bug } from './bug.ts';

const brake = 'core/brake.ts';

export const queues: readonly Bug[] = [
  {
    name: 'unfinished-is-not-reported',
    file: 'lambdas/runtime/sqs-batch.ts',
    find: '    unfinished.push(message.id);\n',
    replace: '',
    profile: 'turns',
    breaks: ['S25'],
    says: 'a message that must be seen again is deleted',
  },
  {
    name: 'error-is-swallowed',
    file: 'lambdas/runtime/each-message.ts',
    find: "        log.count('MessageFailed');\n",
    replace: "        log.count('MessageFailed');\n        settled.set(message.id, { kind: 'done' });\n",
    profile: 'turns',
    breaks: ['S25'],
    says: 'a message whose handler failed counts as done',
  },
  {
    name: 'brake-stops-nobody',
    file: brake,
    find: "  if (fleet.brake === 'open') return { kind: 'refused', why: 'brake-open', ...ifNoted };\n",
    replace: '',
    profile: 'storms',
    breaks: ['S13'],
    says: 'restarts are admitted while the brake is open',
  },
  {
    name: 'fleet-pause-stops-nobody',
    file: brake,
    find: "  if (isFleetPaused(fleet, now)) return { kind: 'refused', why: 'fleet-paused', ...ifNoted };\n",
    replace: '',
    profile: 'storms',
    breaks: ['S13'],
    says: 'restarts are admitted while the fleet is paused',
  },
  {
    name: 'one-slot-too-many',
    file: brake,
    find: 'Object.keys(live).length >= slots)',
    replace: 'Object.keys(live).length > slots)',
    profile: 'storms',
    breaks: ['S13'],
    says: 'one restart more than the cap runs at once',
  },
  {
    name: 'fleet-is-written-over',
    file: 'lambdas/adapters/brake-store.ts',
    find: "'attribute_not_exists(pk) OR revision = :revision'",
    replace: "'attribute_not_exists(pk) OR revision = :revision OR revision <> :revision'",
    profile: 'storms',
    breaks: ['S13'],
    says: 'the fleet item is replaced at whatever revision',
  },
  {
    name: 'brake-never-closes',
    file: brake,
    find: 'now.earliestMs >= (fleet.closesAtMs ?? Infinity) ? closed',
    replace: 'now.earliestMs >= Infinity ? closed',
    profile: 'storms',
    breaks: ['V9'],
    says: 'the brake stays open for ever',
  },
];
