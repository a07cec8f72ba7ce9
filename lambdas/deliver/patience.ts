/** Events for whoever ends many requests in a row, and must not spend its time on a bus that takes nothing. */
import type { Events } from '../ports/events.ts';

/** A publish that fails may have taken ten seconds; the sweep has 55, and an operator's call 15. */
const MOST_FAILURES = 2;

/** After two failures nothing more is published: whatever was to be told stays due, and is told by a later sweep. */
export function impatient(events: Events): Events {
  let failures = 0;
  return {
    async publish(type, detail) {
      if (failures >= MOST_FAILURES) return false;
      const published = await events.publish(type, detail);
      if (!published) failures += 1;
      return published;
    },
  };
}
