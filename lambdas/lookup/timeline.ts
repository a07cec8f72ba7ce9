/** A workspace's story, a page at a time: verdicts, orders, restarts and requests, newest first. */
import { json, problem, type Answer } from '../../core/answer.ts';
import { mergedTimeline, orderEntry, requestEntry, restartEntry, verdictEntry } from '../../core/timeline.ts';
import type { Stories } from '../ports/stories.ts';
import type { WorkspaceStore } from '../ports/workspaces.ts';
import { readValue, type ApiCall } from '../runtime/api-call.ts';
import { timelineQuery, workspaceId as workspaceIdSchema } from '../schemas/api.ts';

export interface TimelinePorts {
  readonly workspaces: Pick<WorkspaceStore, 'read'>;
  readonly stories: Stories;
}

const DEFAULT_LIMIT = 50;
const LARGEST_LIMIT = 200;
/** Behind every ULID. */
const LAST_ID = '8';

export async function getTimeline(call: ApiCall, ports: TimelinePorts): Promise<Answer> {
  const workspaceId = readValue(call.params['workspaceId'], workspaceIdSchema, 'workspaceId');
  const query = readValue(call.query, timelineQuery, 'query');
  const limit = Math.min(Number(query.limit ?? DEFAULT_LIMIT), LARGEST_LIMIT);
  const [upToId = LAST_ID] = (query.cursor ?? LAST_ID).split('.');
  // One more to know whether there is a next page, and one that the mark itself may take.
  const wanted = limit + 2;
  const [{ value: workspace }, verdicts, orders, restarts, requests] = await Promise.all([
    ports.workspaces.read(workspaceId),
    ports.stories.verdicts(workspaceId, upToId, wanted),
    ports.stories.orders(workspaceId, upToId, wanted),
    ports.stories.restarts(workspaceId, upToId, wanted),
    ports.stories.requests(workspaceId, upToId, wanted),
  ]);
  if (workspace === 'absent')
    return problem('unknown-workspace', `No workspace ${workspaceId} is registered.`);
  const page = mergedTimeline(
    [
      verdicts.map(verdictEntry),
      orders.map(orderEntry),
      restarts.map(restartEntry),
      requests.map(requestEntry),
    ],
    limit,
    query.cursor,
  );
  return json(200, { entries: page.entries, cursor: page.before ?? null });
}
