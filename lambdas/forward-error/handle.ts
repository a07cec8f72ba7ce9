/**
 * The main job: a forward failed; what does that mean? One read, at most one probe, the judge, and then
 *
 *   alive, busy           conclude: receipt, park if it may be parked, answer
 *   suspect, probe-queued open a chain: evidence, receipt, re-probe message, the request held by the verdict
 *
 * This function may look at EC2 and nothing more: it has no permission to restart anything (S11).
 */
import { answerJudged, problem, type Answer, type Judged } from '../../core/answer.ts';
import { firstAnswerLifeMs } from '../../core/idempotency.ts';
import { LARGEST_BODY_BYTES } from '../../core/parking.ts';
import { goneOf } from '../../core/workspace.ts';
import { tellOfDoubt } from '../judging/doubt.ts';
import { firstLook } from '../judging/look.ts';
import { policyFor } from '../judging/policies.ts';
import { tellIfStuck } from '../judging/stuck.ts';
import type { ApiCall } from '../runtime/api-call.ts';
import { openChain } from './chain.ts';
import { answerAndKeep, type Case, type ForwardErrorPorts } from './conclude.ts';
import { repeat } from './repeat.ts';
import { readReport, type Report } from './report.ts';

export async function handleForwardError(call: ApiCall, ports: ForwardErrorPorts): Promise<Answer> {
  const beganMs = ports.clock.nowMs();
  const report = readReport(call, ports.ids);
  if (report.bodyBytes > LARGEST_BODY_BYTES) {
    return problem(
      'too-large',
      `The body has ${report.bodyBytes} bytes; up to ${LARGEST_BODY_BYTES} can be kept.`,
    );
  }
  const read = await ports.workspaces.readForJudging(report.workspaceId, report.key);
  const { workspace, firstAnswer } = read.value;
  if (firstAnswer) return repeat(ports, report, firstAnswer);

  const gone = typeof workspace === 'object' ? goneOf(workspace) : undefined;
  if (gone) return answerGone(ports, report, gone.verdictId);

  const policy = policyFor(ports.settings, workspace);
  const { look, note, lookedByMs } = await firstLook(ports, read, {
    now: report.now,
    beganMs,
    policy,
    reportedInstanceId: report.error.instanceId,
    errorKind: report.error.kind,
  });
  tellOfDoubt(ports.log, report.workspaceId, look.judgement);
  if (look.judgement.call === 'unknown-workspace') {
    return problem('unknown-workspace', `No workspace ${report.workspaceId} is registered.`);
  }
  const trouble =
    note && typeof workspace === 'object'
      ? tellIfStuck(ports.log, workspace, read.value.unclear, look, policy)
      : {};
  const thisCase: Case = {
    report,
    policy,
    look,
    lookedByMs,
    verdictId: ports.ids.next(report.now.latestMs),
    parkedCount: read.value.parkedCount,
    ...(note && { note: { ...note, ...trouble } }),
  };
  const { call: called } = look.judgement;
  // One look that says running cancels what an earlier one counted, whoever is about to confirm it (S5).
  if (called === 'alive' && typeof workspace === 'object' && workspace.evidence) {
    await ports.workspaces.removeEvidence(workspace.workspaceId, workspace.evidence.verdictId);
  }
  if ((called === 'suspect' || called === 'probe-queued') && typeof workspace === 'object') {
    return openChain(ports, thisCase, workspace);
  }
  return answerAndKeep(ports, thisCase, judgedAtOnce(thisCase));
}

/**
 * The instance is known to be terminated, and that never changes: the verdict of then stands, without another probe,
 * until another instance is registered.
 */
async function answerGone(ports: ForwardErrorPorts, report: Report, verdictId: string): Promise<Answer> {
  const { workspaceId, errorClass, key, fingerprint } = report;
  const answer = answerJudged({ workspaceId, verdictId, verdict: 'dead', reason: 'terminated', errorClass });
  if (key) {
    const about = { workspaceId, atMs: report.now.latestMs };
    await ports.receipts.putJudged({
      about,
      firstAnswer: { key, value: { fingerprint, answer }, lifeMs: firstAnswerLifeMs.refusal },
    });
  }
  return answer;
}

function judgedAtOnce({ report, look, policy, verdictId }: Case): Judged {
  const { call: called, reason } = look.judgement;
  return {
    workspaceId: report.workspaceId,
    verdictId,
    verdict: called === 'alive' ? 'alive' : 'busy',
    reason,
    errorClass: report.errorClass,
    ...(report.error.status !== undefined && { upstreamStatus: report.error.status }),
    refusedWhilePaused: reason === 'paused' && policy.whenPaused === 'refuse',
  };
}
