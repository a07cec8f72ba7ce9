/** A call whose idempotency key was used before: the same request gets the first answer, another one a conflict (S30). */
import { problem, retryAfterSeconds, type Answer } from '../../core/answer.ts';
import { isKeyFreed } from '../../core/held.ts';
import { enqueue, parkedMessageOf, type ParkPorts } from '../parking/park.ts';
import type { FirstAnswer } from '../ports/idempotency.ts';
import type { Report } from './report.ts';

export async function repeat(ports: ParkPorts, report: Report, first: FirstAnswer): Promise<Answer> {
  if (first.fingerprint !== report.fingerprint) {
    return problem('idempotency-conflict', 'This request id was used before, for another request.');
  }
  if (first.requestId === undefined || !report.request) return first.answer;
  // The first try may have stopped between its steps: resume at the step reached, with the same bytes.
  const row = await ports.ledger.read(first.requestId);
  if (!row || isKeyFreed(row)) {
    // The sweep, or its verdict, has ended it a moment ago: nothing is promised any more, and nothing will come of it.
    return problem('parking-failed', 'The request was not kept. Send it again.', {
      retryAfterSeconds: retryAfterSeconds.parkingFailed,
    });
  }
  if (row.state !== 'accepting') return first.answer;
  const resumed = await enqueue(ports, row, parkedMessageOf(row, report.request));
  return resumed.kind === 'refused' ? resumed.answer : first.answer;
}
