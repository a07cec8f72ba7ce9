import type { Judgement } from '../../core/verdict.ts';
import type { Log } from '../ports/log.ts';

/**
 * Facts that can't be true, and clocks that disagree, make a workspace busy; but they may go on for ever, and a
 * workspace that is really dead would stay so. So somebody is told (S15).
 */
export function tellOfDoubt(log: Log, workspaceId: string, { reason }: Judgement): void {
  if (reason !== 'facts-malformed' && reason !== 'clock-unsure') return;
  log.warn('facts in doubt', { workspaceId, reason });
  log.count('FactsInDoubt');
}
