/** HTTP to an agent. */
import type { FailedBecause } from '../../core/attempt.ts';
import type { KeptResponse } from './ledger.ts';

export interface AgentRequest {
  readonly protocol: 'http' | 'https';
  readonly address: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Base64. */
  readonly body: string;
  readonly timeoutMs: number;
  /** Who must first prove to be there, on the same connection. */
  readonly proof?: PeerProof;
}

export interface PeerProof {
  readonly workspaceId: string;
  readonly bootId?: string;
}

export type AgentAnswer =
  /** Somebody else is at the address; nothing of the request was sent. */
  | { readonly kind: 'stranger' }
  | { readonly kind: 'answered'; readonly response: KeptResponse }
  | {
      readonly kind: 'failed';
      readonly because: FailedBecause;
      /** It failed at the proof: nothing of the request was sent. */
      readonly unsent?: true;
    };

/** Speaks HTTP to an agent, at an address that was just read from EC2. */
export interface AgentHttp {
  send(request: AgentRequest): Promise<AgentAnswer>;
}
