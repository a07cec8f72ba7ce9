import { randomUUID } from 'node:crypto';
import { post } from './signed-fetch.ts';

const workspaceId = process.env['WORKSPACE_ID'] ?? '';
const bootId = randomUUID(); // a new one each time the agent starts
let seq = 0;

/** One sign of life. The first one also says that the agent has booted. */
async function beat(): Promise<void> {
  seq += 1;
  const answer = await post(`/workspaces/${workspaceId}/heartbeats`, { bootId, seq, intervalSeconds: 5 });
  if (answer.status !== 204) console.error('heartbeat refused:', answer.status, await answer.text());
}

void beat();
setInterval(() => void beat(), 5000);
