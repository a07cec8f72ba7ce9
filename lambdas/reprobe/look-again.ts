/** Still suspect: the evidence is missing, void or too young. It is written anew, and looked at again after a while. */
import { evidenceOf, RESEND_AFTER_MS } from '../judging/evidence.ts';
import type { Settled } from '../ports/queues.ts';
import { finalise, type ReprobePorts } from './finalise.ts';
import type { Second } from './second.ts';

/** Times that one chain may begin anew; after that somebody else should look. */
const MOST_ROUNDS = 5;

export async function lookAgain(ports: ReprobePorts, second: Second): Promise<Settled> {
  const { message, workspace, policy, look, now, lookedByMs, receipt } = second;
  if (look.judgement.rule === '10-not-yet') return { kind: 'again', afterSeconds: 1 };
  const own = workspace.evidence?.verdictId === message.verdictId ? workspace.evidence : undefined;
  const round = own ? own.round + 1 : 0;
  if (round > MOST_ROUNDS) {
    return finalise(ports, { ...receipt, verdict: 'busy', reason: 'evidence-kept-changing' });
  }
  // Another copy of this message has ended the verdict, or is about to claim by it: its receipt tells of that (S35).
  if ((await ports.receipts.put(receipt)) !== 'written') return { kind: 'again', afterSeconds: 1 };
  const seen = { facts: look.facts, policy, lookedByMs };
  const evidence = evidenceOf(message.verdictId, workspace, seen, round);
  const written = await ports.workspaces.putEvidence(workspace, evidence, now.latestMs + RESEND_AFTER_MS);
  // Whatever changed meanwhile is judged at the next look.
  return { kind: 'again', afterSeconds: written === 'written' ? policy.reprobeDelayMs / 1000 : 1 };
}
