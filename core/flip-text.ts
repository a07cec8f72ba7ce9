import { assertNever } from './invariant.ts';
import { isoTime } from './time.ts';
import type { Flip } from './verdict.ts';

/** What would have led to another judgement, in words: "a heartbeat after 2026-11-24T12:00:03.100Z". */
export function flipText({ kind, afterMs }: Flip): string {
  const after = afterMs === undefined ? '' : ` after ${isoTime(afterMs)}`;
  const from = afterMs === undefined ? '' : ` (from ${isoTime(afterMs)})`;
  switch (kind) {
    case 'pause-ends':
      return `the end of the pause${from}`;
    case 'claim-ends':
      return 'the end of the restart that is under way';
    case 'settle-window-ends':
      return `the end of the settle window${from}`;
    case 'heartbeat-goes-stale':
      return `no further heartbeat${after}`;
    case 'heartbeat-arrives':
      return `a heartbeat${after}`;
    case 'probe-says-running':
      return 'a probe that says running';
    case 'probe-says-stopped':
      return 'a probe that says stopped';
    case 'second-sighting':
      return `a second sighting by the re-probe${from}`;
    case 'clocks-agree':
      return 'clocks that agree';
    default:
      return assertNever(kind);
  }
}
