/** Each write of a workspace: anchors that only move forward, one claim at a time, and every guard of the claim. */
import type { Claim, Workspace } from '../../../core/workspace.ts';
import type { Item } from '../aws/dynamodb.ts';
import { workspaceIn, type Witness } from './witness.ts';

/** By so much the clock that stamps the first sighting may be ahead and still agree with the database's (S15). */
const CLOCK_AHEAD_MS = 5000 + 1000;

export function workspaceChanged(
  witness: Witness,
  beforeItem: Item | undefined,
  afterItem: Item | undefined,
): void {
  const before = workspaceIn(beforeItem);
  const after = workspaceIn(afterItem);
  const generationBefore = Number(beforeItem?.['generation'] ?? 0);
  const generationAfter = Number(afterItem?.['generation'] ?? 0);
  if (generationAfter < generationBefore)
    witness.broken('S7', `generation went from ${generationBefore} to ${generationAfter}`);
  if (!before || !after) return;
  anchors(witness, before, after);
  const claim = after.claim;
  if (claim && claim.token !== before.claim?.token) claimed(witness, before, after, claim);
  if (claim && before.claim?.token === claim.token) advanced(witness, before, after, claim);
  if (after.gone && !before.gone) wentGone(witness, after);
}

/** S17: within a generation the settle window, the beats and (but for a start) freshness only move forward. */
function anchors(witness: Witness, before: Workspace, after: Workspace): void {
  if (before.instanceId !== after.instanceId) return;
  if (after.settleUntilMs < before.settleUntilMs)
    witness.broken('S17', `settleUntil went back by ${before.settleUntilMs - after.settleUntilMs} ms`);
  const isStart = after.claim?.step === 'starting' && before.claim?.step !== 'starting';
  if (after.freshUntilMs < before.freshUntilMs && !isStart)
    witness.broken('S17', `freshUntil went back by ${before.freshUntilMs - after.freshUntilMs} ms`);
  const beatBefore = before.heartbeat;
  const beatAfter = after.heartbeat;
  if (beatBefore && beatBefore.bootId === beatAfter?.bootId && beatAfter.seq < beatBefore.seq)
    witness.broken('S17', `the beat of ${beatAfter.bootId} went from ${beatBefore.seq} to ${beatAfter.seq}`);
}

function claimed(witness: Witness, before: Workspace, after: Workspace, claim: Claim): void {
  const nowMs = witness.nowMs();
  const { policy } = witness;
  witness.seen(`claim ${claim.kind}${claim.forced ? ' forced' : ''}`);
  if (before.claim) witness.broken('S7', `claim ${claim.token} over the open claim ${before.claim.token}`);
  if (after.generation !== before.generation + 1) witness.broken('S7', 'a claim without its own generation');
  if (before.desired === 'stopped') witness.broken('S12', 'claimed though it is wanted stopped');
  if (!claim.forced) {
    if (before.settleUntilMs > nowMs)
      witness.broken('S2', `claimed ${before.settleUntilMs - nowMs} ms before its settle window ended`);
    const { pause } = before;
    if (pause && (pause.untilMs === undefined || pause.untilMs > nowMs))
      witness.broken('S12', 'claimed while paused');
    const recent = after.recentRestartsMs.filter((atMs) => atMs > nowMs - policy.restartWindowMs);
    if (recent.length > policy.restartsPerWindow)
      witness.broken('S13', `${recent.length} restarts within the window`);
    if (before.quarantine) witness.broken('S13', 'claimed in quarantine');
  }
  const order = witness.stored(`WS#${after.workspaceId}`, `ORDER#${claim.token}`);
  const receipt = witness.stored(`WS#${after.workspaceId}`, `VERDICT#${claim.token}`);
  if (claim.kind === 'operator') {
    if (!order) witness.broken('S35', 'a restart was ordered, and nothing is written of it');
    return;
  }
  if ((receipt?.['receipt'] as { intent?: string } | undefined)?.intent !== 'dead')
    witness.broken('S35', 'a claim without a receipt that says so before');
  if (receipt?.['final'] === true) witness.broken('S5', 'claimed for a verdict that was final already');
  if (before.freshUntilMs >= nowMs)
    witness.broken(
      'S1',
      `claimed though its heartbeat is fresh for another ${before.freshUntilMs - nowMs} ms`,
    );
  evidence(witness, before, claim);
  looks(witness, before, claim, nowMs);
}

/** S3, S6: the evidence is this verdict's, of this generation, instance and boot, and no beat came since. */
function evidence(witness: Witness, { evidence: found, ...workspace }: Workspace, claim: Claim): void {
  if (found?.verdictId !== claim.token) {
    witness.broken('S4', `claimed without evidence of its own`);
    return;
  }
  const { heartbeat } = workspace;
  if (found.bootId !== heartbeat?.bootId || found.seq !== heartbeat?.seq)
    witness.broken(
      'S3',
      `a beat came since the first sighting (${found.seq ?? 'none'}, ${heartbeat?.seq ?? 'none'})`,
    );
  if (found.generation !== workspace.generation || found.instanceId !== workspace.instanceId)
    witness.broken('S6', 'the evidence is of another generation or instance');
  if (claim.instanceId !== workspace.instanceId) witness.broken('S6', 'the claim is of another instance');
}

/** S4: two looks of a judge saw what it is claimed for, two seconds apart at least and at most the evidence's life. */
function looks(witness: Witness, workspace: Workspace, claim: Claim, nowMs: number): void {
  const { policy } = witness;
  const wanted = claim.kind === 'silent' ? ['running'] : ['stopped', 'terminated'];
  const sights = witness.truth
    .sightsOf(workspace.instanceId)
    .filter(({ fn, state }) => (fn === 'forward-error' || fn === 'reprobe') && wanted.includes(state));
  // The second look is the claimant's own, and what it may count is old by when it began: it has read the time then.
  const { number, beganMs } = witness.acting ?? { number: -1, beganMs: nowMs };
  const hasTwo = sights.some(
    (second) =>
      second.by === number &&
      sights.some(
        (first) =>
          second.atMs - first.atMs >= policy.reprobeDelayMs &&
          beganMs - first.atMs <= policy.evidenceLifeMs + CLOCK_AHEAD_MS,
      ),
  );
  if (!hasTwo) {
    const ages = sights.slice(-4).map(({ atMs, state }) => `${state} ${nowMs - atMs} ms ago`);
    witness.broken('S4', `claimed as ${claim.kind} without two looks that saw it: ${ages.join(', ')}`);
  }
}

/** The intents: what is about to be done is fenced by the very write (S8, S12), and Stop is meant once a claim (S13). */
function advanced(witness: Witness, before: Workspace, after: Workspace, claim: Claim): void {
  if (claim.epoch > (before.claim?.epoch ?? 0)) witness.seen('claim resumed');
  const from = before.claim?.step;
  if (from === claim.step) return;
  witness.seen(`claim step ${claim.step}`);
  const isIntent = claim.step === 'start-issued' || claim.step === 'stop-issued';
  if (!isIntent) return;
  const nowMs = witness.nowMs();
  if (before.desired === 'stopped') witness.broken('S12', `${claim.step} though it is wanted stopped`);
  if (claim.step === 'stop-issued' && before.claim?.stopLeaseUntilMs !== undefined)
    witness.broken('S13', 'a second Stop is meant for one claim');
  if (claim.forced) return;
  const { pause } = before;
  if (pause && (pause.untilMs === undefined || pause.untilMs > nowMs))
    witness.broken('S12', `${claim.step} while paused`);
  const own = claim.settleUntilMs ?? 0;
  if (before.settleUntilMs > own && before.settleUntilMs > nowMs && claim.startedAtMs === undefined)
    witness.broken('S2', `${claim.step} within a settle window that somebody announced`);
  if (claim.step === 'stop-issued' && claim.kind === 'silent') {
    if (before.claim?.heardAtMs !== undefined)
      witness.broken('S3', 'Stop is meant for an agent that was heard');
    if (before.heartbeat?.bootId !== claim.bootId)
      witness.broken('S9', 'Stop is meant for another boot than the condemned one');
  }
  if (after.generation !== before.generation) witness.broken('S7', 'the generation moved with an intent');
}

/** S18: gone is said of terminated instances only. */
function wentGone(witness: Witness, { instanceId }: Workspace): void {
  witness.seen('gone');
  const isTerminated = witness.truth.sightsOf(instanceId).some(({ state }) => state === 'terminated');
  if (!isTerminated) witness.broken('S18', 'said to be gone, and nobody has seen it terminated');
}
