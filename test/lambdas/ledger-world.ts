/** The ledger of parked requests, over the mocked table: what it would write. */
import { NOW_MS } from './mocked-aws.ts';
import { anew, OneWorkspace } from './one-workspace.ts';
import { aRow } from './parked.ts';

/** What a write of the ledger is noted as. */
export const about = { workspaceId: 'ws-1', atMs: NOW_MS };

class LedgerWorld extends OneWorkspace {
  book = () => this.ports.ledger;

  accept = () => this.book().accept({ about, request: aRow({ state: 'accepting' }), parkedMax: 10 });

  /** The items of the first transaction. */
  items = () => this.transactions()[0] ?? [];
}

/** Begins anew for each test of a file. */
export function ledgerWorld(): LedgerWorld {
  return anew(new LedgerWorld());
}
