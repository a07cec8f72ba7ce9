/**
 * Opens a verdict chain: the first sighting is written down, and the re-probe function is asked for the second one.
 *
 *   evidence (conditional write) -> receipt `pending` -> re-probe message (2 s) -> the request, held -> 202 pending
 *
 * A suspect whose re-probe can't be sent is no suspect: the evidence is removed, and the answer is 503. When EC2
 * throttled the probe there is no evidence yet, and the re-probe function makes both sightings.
 */
import { answerJudged, problem, retryAfterSeconds, type Answer, type Judged } from '../../core/answer.ts';
import { judge } from '../../core/judge.ts';
import { MESSAGE_VERSION } from '../../core/messages.ts';
import { isFinal, type Receipt } from '../../core/receipt.ts';
import { isNeverTried, refusalOfHeld } from '../../core/held.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { StoredWorkspace } from '../ports/workspaces.ts';
import { endRequest } from '../deliver/end.ts';
import { evidenceOf, RESEND_AFTER_MS } from '../judging/evidence.ts';
import { foundDeclaredDead } from '../judging/declared.ts';
import { judgedWorkspace } from '../judging/look.ts';
import { answerAndKeep, receiptOf, type Case, type ForwardErrorPorts } from './conclude.ts';

/** Calls that found the workspace changed under them judge it anew this often, then give up as a fault. */
const MOST_TRIES = 3;

export async function openChain(
  ports: ForwardErrorPorts,
  thisCase: Case,
  workspace: Workspace,
  tries = 1,
): Promise<Answer> {
  const { look, policy, lookedByMs } = thisCase;
  if (look.judgement.rule === '10-not-yet' && workspace.evidence) {
    return answerPending(ports, thisCase, workspace.evidence.verdictId);
  }
  const isSuspect = look.judgement.call === 'suspect';
  if (isSuspect) {
    const evidence = evidenceOf(thisCase.verdictId, workspace, { facts: look.facts, policy, lookedByMs });
    const written = await ports.workspaces.putEvidence(workspace, evidence, lookedByMs + RESEND_AFTER_MS);
    if (written !== 'written') return judgedAnew(ports, thisCase, written, tries);
  }
  await ports.receipts.putJudged({
    about: { workspaceId: workspace.workspaceId, atMs: thisCase.report.now.latestMs },
    receipt: receiptOf(ports, thisCase),
    ...(thisCase.note && { probe: thisCase.note }),
  });
  try {
    await ports.queues.sendReprobe(
      {
        v: MESSAGE_VERSION,
        kind: 'reprobe',
        workspaceId: workspace.workspaceId,
        instanceId: workspace.instanceId,
        generation: workspace.generation,
        epoch: 0,
        verdictId: thisCase.verdictId,
        errorKind: thisCase.report.error.kind,
      },
      isSuspect ? policy.reprobeDelayMs / 1000 : 0,
    );
  } catch (error) {
    ports.log.error(
      're-probe not sent',
      { workspaceId: workspace.workspaceId, verdictId: thisCase.verdictId },
      error,
    );
    ports.log.count('ReprobeNotSent');
    if (!(await isTakenBack(ports, thisCase))) return answerPending(ports, thisCase, thisCase.verdictId);
    return problem('busy', 'The second look could not be arranged, so nothing was concluded. Try again.', {
      verdict: 'busy',
      reason: 'probe-inconclusive',
      verdictId: thisCase.verdictId,
      retryAfterSeconds: retryAfterSeconds.busy,
    });
  }
  return answerPending(ports, thisCase, thisCase.verdictId);
}

/**
 * Ends a chain whose message could not be sent. A send that failed may have been done all the same, and its second look
 * may be over by now: what that came to stands, and this call's request waits for it like any other (S27).
 */
async function isTakenBack(ports: ForwardErrorPorts, thisCase: Case): Promise<boolean> {
  const { report, verdictId } = thisCase;
  const found = await ports.workspaces.removeEvidence(report.workspaceId, verdictId);
  if (foundDeclaredDead(found, verdictId)) return false;
  const written = await ports.receipts.put({
    ...receiptOf(ports, thisCase),
    verdict: 'busy',
    reason: 'probe-inconclusive',
  });
  return written === 'written';
}

/** The workspace changed between read and write: what was seen is judged against what it is now. */
async function judgedAnew(
  ports: ForwardErrorPorts,
  thisCase: Case,
  workspace: StoredWorkspace,
  tries: number,
): Promise<Answer> {
  const facts = { ...thisCase.look.facts, workspace: judgedWorkspace(workspace) };
  const judgement = judge(facts, thisCase.policy);
  const changed: Case = { ...thisCase, look: { facts, judgement } };
  if (judgement.call === 'unknown-workspace') {
    return problem('unknown-workspace', 'The workspace was removed a moment ago.');
  }
  if (judgement.call === 'suspect' && typeof workspace === 'object') {
    if (tries === MOST_TRIES) throw new Error(`the workspace changed ${MOST_TRIES} times during one call`);
    return openChain(ports, changed, workspace, tries + 1);
  }
  return answerAndKeep(ports, changed, judgedAs(changed, 'busy', thisCase.verdictId));
}

async function answerPending(ports: ForwardErrorPorts, thisCase: Case, verdictId: string): Promise<Answer> {
  const judged = judgedAs(thisCase, 'pending', verdictId);
  const pending = await answerAndKeep(ports, thisCase, judged, { verdictId });
  if (thisCase.report.waitMs === 0) return pending;
  const receipt = await finalReceipt(ports, thisCase, verdictId);
  return receipt
    ? answerFinal(ports, pending, {
        ...judged,
        verdict: receipt.verdict,
        reason: receipt.reason,
        restarting: receipt.act === undefined || receipt.act === 'restart',
      })
    : pending;
}

const POLL_MS = 250;

/** `Prefer: wait`: the receipt once it is final, or undefined when that takes longer than the caller waits. */
async function finalReceipt(
  ports: ForwardErrorPorts,
  { report }: Case,
  verdictId: string,
): Promise<Receipt | undefined> {
  const untilMs = ports.clock.nowMs() + report.waitMs;
  while (ports.clock.nowMs() < untilMs) {
    await ports.clock.sleep(POLL_MS);
    const receipt = await ports.receipts.read(report.workspaceId, verdictId);
    if (receipt && isFinal(receipt)) return receipt;
  }
  return undefined;
}

/** Answers as the final verdict does. A request that it refuses is ended here, so that it is not answered twice. */
async function answerFinal(ports: ForwardErrorPorts, pending: Answer, judged: Judged): Promise<Answer> {
  const requestId = pending.body?.['requestId'];
  const row = typeof requestId === 'string' ? await ports.ledger.read(requestId) : undefined;
  if (!row) return pending.status === 202 ? pending : answerJudged(judged);
  const why = refusalOfHeld(row, judged);
  if (why !== undefined) {
    // Only while it waits, and as it was read: what was tried since is not for this call to end.
    const ending = await endRequest(ports, row, {
      state: 'refused',
      why,
      onlyFrom: 'parked',
      onlyAttempt: row.attempts,
      freesKey: isNeverTried(row),
    });
    // Deliver may have been faster: it reads the same receipt and ends the request in the same way.
    const state = ending === 'finished' ? 'refused' : (await ports.ledger.read(row.requestId))?.state;
    if (state === 'refused') return answerJudged(judged);
  }
  const position = Number(pending.body?.['position'] ?? 1);
  return answerJudged({
    ...judged,
    parked: { requestId: row.requestId, position, expiresAtMs: row.expiresAtMs },
  });
}

function judgedAs({ report, look }: Case, verdict: Judged['verdict'], verdictId: string): Judged {
  return {
    workspaceId: report.workspaceId,
    verdictId,
    verdict,
    reason: look.judgement.reason,
    errorClass: report.errorClass,
    ...(report.error.status !== undefined && { upstreamStatus: report.error.status }),
  };
}
