/**
 * Days go by in a moment, in which nothing happens and all that waits grows old; and afterwards DynamoDB removes what has
 * a TTL that is over, item by item, at any time or not at all.
 */
import type { World } from './world.ts';

const DAY_MS = 86_400_000;
/** Some expire idempotency, some ended requests, some receipts; the last is longer than any queue keeps a message. */
const leapsDays = [1.1, 3, 7.5, 13, 31] as const;

/** As soon as no function runs: Lambda freezes a sandbox for minutes, and not for days. */
export async function age(world: World): Promise<void> {
  while (world.lambda.running > 0 && !world.isCalm) await world.time.wait(50);
  if (world.isCalm) return;
  const days = world.random.pick(leapsDays);
  world.leaps(days * DAY_MS);
  collectAgain(world);
}

function collectAgain(world: World): void {
  if (world.isCalm) return;
  const share = world.random.pick([0.1, 0.5, 1]);
  world.seen(
    `TTL removes`,
    world.collect((_key) => world.random.chance(share)),
  );
  world.time.after(world.random.between(1000, 180_000), () => {
    collectAgain(world);
  });
}
