/** Ends a call: keeps what must be kept (receipt, first answer, the request), in one write where it can, and answers. */
import { answerJudged, problem, type Answer, type Judged } from '../../core/answer.ts';
import { firstAnswerLifeMs } from '../../core/idempotency.ts';
import { LARGEST_MESSAGE_BYTES, type ParkedRequest } from '../../core/parking.ts';
import type { Policy, PolicySettings } from '../../core/policy.ts';
import { openReceipt, type Look, type Receipt } from '../../core/receipt.ts';
import type { LookPorts } from '../judging/look.ts';
import { policyVersionOf } from '../judging/policies.ts';
import { park, parkedMessageOf, type ParkPorts } from '../parking/park.ts';
import type { Ids } from '../ports/ids.ts';
import type { ReceiptStore } from '../ports/receipts.ts';
import type { ProbeNote, WorkspaceStore } from '../ports/workspaces.ts';
import type { ParkedRequestBody } from '../schemas/api.ts';
import { repeat } from './repeat.ts';
import type { Report } from './report.ts';

export interface ForwardErrorPorts extends LookPorts, ParkPorts {
  readonly ids: Ids;
  readonly workspaces: WorkspaceStore;
  readonly receipts: ReceiptStore;
  readonly settings: PolicySettings;
}

/** One reported failure on its way through. */
export interface Case {
  readonly report: Report;
  readonly policy: Policy;
  readonly look: Look;
  readonly lookedByMs: number;
  readonly verdictId: string;
  readonly parkedCount: number;
  readonly note?: ProbeNote;
}

/** A request is parked where the answer may be 202, and the caller does not refuse a second copy at the agent. */
function mayPark(report: Report, judged: Judged): boolean {
  if (!report.request || judged.refusedWhilePaused) return false;
  if (report.ambiguous && report.request.onAmbiguous === 'refuse') return false;
  switch (judged.verdict) {
    case 'busy':
    case 'pending':
      return true;
    case 'alive':
      return judged.errorClass === 'upstream-busy';
    case 'dead':
      return false;
  }
}

/** The receipt of a case whose verdict is its own. */
export function receiptOf(
  { ids }: Pick<ForwardErrorPorts, 'ids'>,
  { report, policy, look, verdictId }: Case,
  requestId?: string,
): Receipt {
  return openReceipt(
    {
      verdictId,
      workspaceId: report.workspaceId,
      errorKind: report.error.kind,
      askedBy: report.caller.principal,
      policy,
      policyVersion: policyVersionOf(ids, policy),
      ...(requestId !== undefined && { requestId }),
    },
    look,
  );
}

/** Answers a judged call. `held`: the verdict is pending, its receipt is written, and it holds the request. */
export async function answerAndKeep(
  ports: ForwardErrorPorts,
  thisCase: Case,
  judged: Judged,
  held?: { readonly verdictId: string },
): Promise<Answer> {
  const { report, note } = thisCase;
  const about = { workspaceId: report.workspaceId, atMs: report.now.latestMs };
  const { request } = report;
  if (!request || !mayPark(report, judged)) {
    const answer = answerJudged(judged);
    const written = await ports.receipts.putJudged({
      about,
      ...(!held && { receipt: receiptOf(ports, thisCase) }),
      ...(note && !held && { probe: note }),
      ...(report.key && {
        firstAnswer: {
          key: report.key,
          value: { fingerprint: report.fingerprint, answer },
          lifeMs: firstAnswerLifeMs.refusal,
        },
      }),
    });
    return written === 'written' ? answer : repeatOfTwin(ports, report, answer);
  }
  const row = requestRow(ports, thisCase, request, held?.verdictId);
  const message = parkedMessageOf(row, request);
  // Bytes, as the queue counts: a header's character may be two of them.
  if (new TextEncoder().encode(JSON.stringify(message)).length > LARGEST_MESSAGE_BYTES) {
    return problem('too-large', 'Body, path and headers together are more than can be kept.');
  }
  const answer = answerJudged({
    ...judged,
    parked: { requestId: row.requestId, position: thisCase.parkedCount + 1, expiresAtMs: row.expiresAtMs },
  });
  const parking = await park(
    ports,
    {
      about,
      request: row,
      parkedMax: thisCase.policy.parkedMax,
      ...(!held && { receipt: receiptOf(ports, thisCase, row.requestId) }),
      ...(note && !held && { probe: note }),
      ...(report.key && {
        firstAnswer: {
          key: report.key,
          value: { fingerprint: report.fingerprint, answer, requestId: row.requestId },
          lifeMs: firstAnswerLifeMs.promise,
        },
      }),
    },
    message,
  );
  switch (parking.kind) {
    case 'parked':
      return answer;
    case 'refused':
      return parking.answer;
    case 'repeated':
      return repeatOfTwin(ports, report);
  }
}

/** Another call with the same key was faster by a moment: its answer is the first answer. */
async function repeatOfTwin(ports: ForwardErrorPorts, report: Report, own?: Answer): Promise<Answer> {
  const again = await ports.workspaces.readForJudging(report.workspaceId, report.key);
  const { firstAnswer } = again.value;
  if (firstAnswer) return repeat(ports, report, firstAnswer);
  // The twin was refused, and its answer has just run out. This one is as good, where nothing was to be kept.
  if (own) return own;
  throw new Error('the idempotency row was there and is gone');
}

function requestRow(
  ports: Pick<ForwardErrorPorts, 'ids'>,
  { report, look }: Case,
  request: ParkedRequestBody,
  heldBy: string | undefined,
): ParkedRequest {
  const nowMs = report.now.latestMs;
  return {
    requestId: ports.ids.next(nowMs),
    workspaceId: report.workspaceId,
    caller: report.caller.principal,
    ...(report.key && { callersKey: report.key.key }),
    state: 'accepting',
    attempts: 0,
    bodyBytes: report.bodyBytes,
    acceptedAtMs: nowMs,
    expiresAtMs: nowMs + (request.expiresInSeconds ?? DEFAULT_EXPIRY_SECONDS) * 1000,
    ambiguous: report.ambiguous,
    whenDead: request.whenDead ?? 'refuse',
    onAmbiguous: request.onAmbiguous ?? 'retry',
    ...(typeof look.facts.workspace === 'object' && { generation: look.facts.workspace.generation }),
    errorClass: report.errorClass,
    ...(heldBy !== undefined && { heldBy }),
    enqueueNo: 0,
  };
}

const DEFAULT_EXPIRY_SECONDS = 3600;
