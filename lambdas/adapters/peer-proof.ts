/** Proof that the agent at an address is the workspace's own, for fleets that want it before a body is sent. */
import * as z from 'zod/mini';
import type { PeerProof } from '../ports/agents.ts';
import type { KeptResponse } from '../ports/ledger.ts';

/** Where an agent says who it is: `{"workspaceId", "bootId"}`. */
export const PROOF_PATH = '/.well-known/defib';
export const PROOF_TIMEOUT_MS = 5000;

const identity = z.object({ workspaceId: z.string(), bootId: z.string() });

/** Whether the answer names the workspace, and the boot that beats, where one is known. */
export function isExpectedPeer({ status, body }: KeptResponse, expected: PeerProof): boolean {
  if (status !== 200) return false;
  let told: unknown;
  try {
    told = JSON.parse(Buffer.from(body, 'base64').toString('utf8'));
  } catch {
    return false;
  }
  const parsed = identity.safeParse(told);
  if (!parsed.success || parsed.data.workspaceId !== expected.workspaceId) return false;
  return expected.bootId === undefined || parsed.data.bootId === expected.bootId;
}
