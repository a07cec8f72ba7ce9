/** Somebody else at an address that was an agent's: what he says when he is asked who he is. */
import type { KeptResponse } from '../../lambdas/ports/ledger.ts';
import type { Machine } from './machine.ts';

const kinds = ['another workspace', 'a copy of the machine', 'a web site', 'no such page'] as const;

export class Stranger {
  /** The instance that EC2 may still show at the address. */
  readonly instanceId: string;
  readonly #before: Machine;
  readonly #kind: (typeof kinds)[number];

  constructor(before: Machine, kind: number) {
    this.instanceId = before.instanceId;
    this.#before = before;
    this.#kind = kinds[kind] ?? kinds[0];
  }

  /** Made of the same image: the workspace is right, and only the boot tells. */
  get isCopy(): boolean {
    return this.#kind === 'a copy of the machine';
  }

  /** What he answers to `GET /.well-known/defib`. */
  proof(): KeptResponse {
    const { workspaceId, bootId } = this.#before;
    switch (this.#kind) {
      case 'another workspace':
        return identity(`${workspaceId}-other`, bootId);
      case 'a copy of the machine':
        return identity(workspaceId, `${bootId}-copy`);
      case 'a web site':
        return response(200, '<html>Welcome</html>');
      case 'no such page':
        return response(404, '');
    }
  }
}

export function identity(workspaceId: string, bootId: string): KeptResponse {
  return response(200, JSON.stringify({ workspaceId, bootId }));
}

export function response(status: number, text: string, headers: Record<string, string> = {}): KeptResponse {
  return { status, headers, body: Buffer.from(text).toString('base64'), truncated: false };
}
