/**
 * Virtual time: one event after another, by time and then in the order in which they were made. All that an event
 * awakens (every promise that it settles, and what follows from those) runs before the next event.
 */
export interface Scheduler {
  nowMs(): number;
  /** Does something later; never before now. What is called off by then is no event. */
  after(ms: number, run: () => void): Pending;
  wait(ms: number): Promise<void>;
  /** Runs events until that time, or until it is over. What an event throws ends the run. */
  runUntil(endMs: number, isOver?: () => boolean): Promise<void>;
  readonly events: number;
  /** All that is to come comes as much later, and nothing comes before. */
  leap(ms: number): void;
}

export interface Pending {
  isOff: boolean;
}

interface Event extends Pending {
  atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export function scheduler(startMs: number): Scheduler {
  const heap: Event[] = [];
  let nowMs = startMs;
  let order = 0;
  let events = 0;
  let leaptMs = 0;
  const after = (ms: number, run: () => void): Pending => {
    order += 1;
    const event = { atMs: nowMs + (ms > 0 ? ms : 0), order, run, isOff: false };
    push(heap, event);
    return event;
  };
  return {
    nowMs: () => nowMs,
    after,
    wait: (ms) =>
      new Promise((resolve) => {
        after(ms, resolve);
      }),
    get events() {
      return events;
    },
    leap(ms) {
      for (const event of heap) event.atMs += ms;
      nowMs += ms;
      leaptMs += ms;
    },
    runUntil: (untilMs, isOver = () => false) =>
      new Promise((resolve, reject) => {
        const leaptBeforeMs = leaptMs;
        const turn = (): void => {
          while (heap[0]?.isOff === true) pop(heap);
          const next = heap[0];
          const endMs = untilMs + leaptMs - leaptBeforeMs;
          if (next === undefined || next.atMs > endMs || isOver()) {
            if (!isOver()) nowMs = endMs;
            resolve();
            return;
          }
          pop(heap);
          nowMs = next.atMs;
          events += 1;
          try {
            next.run();
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
            return;
          }
          queueMicrotask(whenQuiet);
        };
        // A tick that is asked for by a microtask comes when no microtask is left: no timer, and always the same order.
        const whenQuiet = (): void => {
          process.nextTick(turn);
        };
        whenQuiet();
      }),
  };
}

const isBefore = (one: Event, other: Event): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);

/** A binary heap: the parent of `at` is at `(at - 1) >> 1`. */
function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || isBefore(parent, event)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  const size = heap.length;
  if (last === undefined || size === 0) return;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    let child = heap[down];
    if (child === undefined) break;
    const right = heap[down + 1];
    if (right !== undefined && isBefore(right, child)) {
      down += 1;
      child = right;
    }
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = down;
  }
  heap[at] = last;
}
