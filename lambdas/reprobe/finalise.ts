/** Makes a verdict final: no more evidence, the receipt closed, the news out, the requests that it held woken. */
import type { PolicySettings } from '../../core/policy.ts';
import type { Receipt } from '../../core/receipt.ts';
import { foundDeclaredDead } from '../judging/declared.ts';
import { wake, wakeHeld, type WakeHeldPorts } from '../parking/wake.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ec2Probe } from '../ports/ec2.ts';
import type { Events } from '../ports/events.ts';
import type { Ids } from '../ports/ids.ts';
import type { Queues, Settled } from '../ports/queues.ts';
import type { ReceiptStore } from '../ports/receipts.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';

const UNREADABLE_WAIT_SECONDS = 30;

export interface ReprobePorts extends WakeHeldPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly workspaces: WorkspaceStore;
  readonly receipts: ReceiptStore;
  readonly queues: Queues;
  readonly ec2: Ec2Probe;
  readonly events: Events;
  readonly settings: PolicySettings;
}

export async function finalise(ports: ReprobePorts, receipt: Receipt): Promise<Settled> {
  const { workspaceId, verdictId, verdict, reason } = receipt;
  // Before the receipt: a receipt that is final stops a redelivery, and evidence must not outlive its chain.
  if (verdict !== 'dead') {
    const found = await ports.workspaces.removeEvidence(workspaceId, verdictId);
    // Another copy of this message was faster, and has declared it dead: what it has won stands (S27). The next receive
    // carries on with that; who can't read it leaves it to the newer version that has written it (S32).
    const afterSeconds = found === 'declared' ? UNREADABLE_WAIT_SECONDS : 1;
    if (foundDeclaredDead(found, verdictId)) return { kind: 'again', afterSeconds };
  }
  const { intent: _intent, ...final } = receipt;
  const written = await ports.receipts.put(final);
  if (written === 'written') {
    ports.log.info('verdict', { workspaceId, verdictId, verdict, reason });
    ports.log.count(`Verdict${verdict.charAt(0).toUpperCase()}${verdict.slice(1)}`);
    await ports.events.publish('verdict.final', { workspaceId, verdictId, verdict, reason });
    // Deliver's own question holds nothing back, and to wake the head for it would have deliver ask again at once,
    // and so on, as fast as the queues go: the head keeps its back-off.
    if (receipt.askedBy === 'deliver') return { kind: 'done' };
    if (verdict === 'alive') await wake(ports, workspaceId, ports.clock.nowMs());
    else await wakeHeld(ports, workspaceId, verdictId);
  }
  return { kind: 'done' };
}
