import { post } from './signed-fetch.ts';

export interface Forwarded {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
}

/** What a proxy does when a forward has failed: it asks Defib, and answers its own caller as Defib says. */
export async function onForwardError(
  workspaceId: string,
  request: Forwarded,
  kind: 'refused' | 'reset' | 'eof' | 'deadline',
) {
  const answer = await post(`/workspaces/${workspaceId}/forward-errors`, {
    error: { kind },
    request: {
      id: request.id, // the idempotency key: report the same request twice, and it is kept once
      method: request.method,
      path: request.path,
      body: Buffer.from(request.body).toString('base64'),
    },
  });
  // 202: it is kept and will be delivered. 503: come back later. 502: a restart can't fix it.
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    body: await answer.json(),
  };
}
