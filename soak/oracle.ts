/** What must be true of every run, whatever happened in it. Speaks of nothing but the public API's promises. */
import {
  isFinal,
  promisedId,
  type Accounts,
  type Arrival,
  type LedgerEntry,
  type SentRequest,
} from './records.ts';

export interface Violation {
  readonly rule: string;
  /** The request or workspace that it is about. */
  readonly about: string;
  readonly what: string;
}

/** Clocks of this machine's processes agree, but a delivery that began just before an end may arrive just after. */
const graceMs = 2000;

export function violationsIn(accounts: Accounts): Violation[] {
  return [
    ...lostRequests(accounts),
    ...changedStates(accounts),
    ...strangeArrivals(accounts),
    ...unknowinglyRepeated(accounts),
    ...outOfOrder(accounts),
    ...unevenLedger(accounts),
    ...leftBehind(accounts),
  ];
}

/** A 202 is a promise: each promised request has ended, and `delivered` means that the agent answered it. */
function lostRequests({ sent, ledger, arrivals }: Accounts): Violation[] {
  const byRequest = Map.groupBy(arrivals, ({ requestId }) => requestId);
  return sent.flatMap((request): Violation[] => {
    const requestId = promisedId(request);
    if (requestId === undefined) return [];
    const entry = ledger.get(requestId);
    const lost = (what: string): Violation[] => [{ rule: 'lost', about: request.id, what }];
    if (!entry) return lost(`promised as ${requestId}, and unknown to the API`);
    if (!isFinal(entry.state)) return lost(`promised as ${requestId}, and still ${entry.state}`);
    if (entry.state === 'dead-lettered' && entry.why === 'body-lost') return lost('its body was lost');
    return entry.state === 'delivered' ? wrongDelivery(request, entry, byRequest.get(requestId) ?? []) : [];
  });
}

function wrongDelivery(request: SentRequest, entry: LedgerEntry, copies: readonly Arrival[]): Violation[] {
  const answered = copies.filter(({ answered: status = 0 }) => status >= 200 && status < 300);
  const lost = (what: string): Violation[] => [{ rule: 'lost', about: request.id, what }];
  if (answered.length === 0) return lost('called delivered, and its agent answered it nothing of the kind');
  if (entry.response === undefined) return lost('delivered, and the response was not kept');
  // The agent's answer says what it got.
  const kept = Buffer.from(entry.response.body, 'base64').toString('utf8');
  return kept === answerTo(request.id, request.sha256)
    ? []
    : [
        {
          rule: 'response',
          about: request.id,
          what: `the response that was kept is not the agent's: ${kept}`,
        },
      ];
}

/** What a healthy agent answers, so that the response can be told from any other. */
export const answerTo = (key: string, sha256: string): string => JSON.stringify({ key, sha256 });

/** A final state is reached once and never left. */
function changedStates({ sightings, ledger }: Accounts): Violation[] {
  return [...sightings].flatMap(([requestId, seen]): Violation[] => {
    const states = [...seen.map(({ state }) => state), ledger.get(requestId)?.state ?? 'gone'];
    const first = states.findIndex(isFinal);
    const later = first === -1 ? undefined : states.slice(first).find((state) => state !== states[first]);
    return later === undefined
      ? []
      : [{ rule: 'final-state-changed', about: requestId, what: `${states[first] ?? ''}, then ${later}` }];
  });
}

/** Every copy is what its caller sent, at its own workspace, and nothing arrives that was refused or has ended. */
function strangeArrivals({ sent, arrivals, ledger, sightings }: Accounts): Violation[] {
  const byKey = new Map(sent.map((request) => [request.id, request]));
  return arrivals.flatMap((arrival): Violation[] => {
    const request = byKey.get(arrival.key);
    const strange = (rule: string, what: string): Violation => ({ rule, about: arrival.key, what });
    if (!request) return [strange('unknown-key', `nobody sent it, and ${arrival.workspaceId} got it`)];
    const found: Violation[] = [];
    if (request.workspaceId !== arrival.workspaceId)
      found.push(
        strange('wrong-workspace', `sent to ${request.workspaceId}, arrived at ${arrival.workspaceId}`),
      );
    if (request.sha256 !== arrival.sha256)
      found.push(strange('other-bytes', `attempt ${arrival.attempt} brought other bytes`));
    const promised = promisedId(request);
    if (promised === undefined && wasRefused(request))
      found.push(strange('refused-yet-delivered', `${said(request)}, and it arrived`));
    if (promised !== undefined && promised !== arrival.requestId)
      found.push(strange('second-request', `promised as ${promised}, arrived as ${arrival.requestId}`));
    const endedAtMs = sightings.get(arrival.requestId)?.find(({ state }) => isFinal(state))?.atMs;
    if (endedAtMs !== undefined && arrival.atMs > endedAtMs + graceMs)
      found.push(strange('after-its-end', `arrived ${arrival.atMs - endedAtMs} ms after it was seen ended`));
    if (request.cancelled?.status === 200 && arrival.atMs > request.cancelled.atMs + graceMs)
      found.push(strange('after-its-end', 'arrived after its cancellation was confirmed'));
    const expiresAtMs = ledger.get(arrival.requestId)?.expiresAtMs;
    if (expiresAtMs !== undefined && arrival.atMs > expiresAtMs + graceMs)
      found.push(strange('after-expiry', `arrived ${arrival.atMs - expiresAtMs} ms after it had expired`));
    return found;
  });
}

/** A last answer that leaves nothing open: `parking-failed` does, since only its end may have been lost. */
function wasRefused({ answers, failures }: SentRequest): boolean {
  return (
    failures.length === 0 &&
    answers.length > 0 &&
    answers.every(
      ({ status, code }) => status >= 400 && status !== 500 && status !== 504 && code !== 'parking-failed',
    )
  );
}

const said = ({ answers }: SentRequest): string =>
  `its caller was told ${answers.map(({ status, code }) => `${status} ${code}`).join(', ')}`;

/** By these an agent says that it has not taken what has arrived: the next copy is no second one. */
const notTaken: readonly (number | undefined)[] = [425, 429];

/** A copy after one that may have been taken says that it may be one, and each says which attempt it is. */
function unknowinglyRepeated({ arrivals }: Accounts): Violation[] {
  return [...Map.groupBy(arrivals, ({ requestId }) => requestId).values()].flatMap((copies) =>
    copies.slice(1).flatMap((copy, index): Violation[] => {
      const before = copies[index];
      const about = copy.key;
      return [
        ...(copy.ambiguous || copies.slice(0, index + 1).every(({ answered }) => notTaken.includes(answered))
          ? []
          : [{ rule: 'unmarked-duplicate', about, what: `attempt ${copy.attempt}` }]),
        ...(before && copy.key !== before.key
          ? [{ rule: 'other-key', about, what: `was ${before.key} in attempt ${before.attempt}` }]
          : []),
        ...(before && copy.attempt <= before.attempt
          ? [{ rule: 'attempt-repeated', about, what: `${before.attempt}, then ${copy.attempt}` }]
          : []),
      ];
    }),
  );
}

/** First arrivals come in the order in which the requests were promised, one after another. */
function outOfOrder({ sent, arrivals }: Accounts): Violation[] {
  const seqOf = new Map(sent.flatMap((request) => (promisedId(request) ? [[request.id, request.seq]] : [])));
  return [...Map.groupBy(arrivals, ({ workspaceId }) => workspaceId)].flatMap(([workspaceId, own]) => {
    const firsts = [...new Set(own.map(({ key }) => key))].flatMap((key) => {
      const seq = seqOf.get(key);
      return seq === undefined ? [] : [{ key, seq }];
    });
    return firsts.flatMap(({ key, seq }, index): Violation[] => {
      const before = firsts[index - 1];
      return before && before.seq > seq
        ? [{ rule: 'order', about: key, what: `came to ${workspaceId} after ${before.key}` }]
        : [];
    });
  });
}

/** The ledger's own story fits what the agents and the callers saw. */
function unevenLedger({ sent, arrivals, ledger }: Accounts): Violation[] {
  const byRequest = Map.groupBy(arrivals, ({ requestId }) => requestId);
  return sent.flatMap((request): Violation[] => {
    const requestId = promisedId(request);
    const entry = requestId === undefined ? undefined : ledger.get(requestId);
    const about = request.id;
    const ids = new Set(request.answers.flatMap((answer) => answer.requestId ?? []));
    const found: Violation[] =
      ids.size > 1
        ? [{ rule: 'two-promises', about, what: `one id, promised as ${[...ids].join(' and ')}` }]
        : [];
    if (!entry) return found;
    const copies = byRequest.get(entry.requestId) ?? [];
    if (copies.some(({ attempt }) => attempt > entry.attempts))
      found.push({ rule: 'uncounted-attempt', about, what: `the ledger has ${entry.attempts} attempts` });
    if ((request.cancelled?.status === 200) !== (entry.state === 'cancelled'))
      found.push({
        rule: 'cancel',
        about,
        what: `cancel said ${request.cancelled?.status}, ledger ${entry.state}`,
      });
    const refusal = /^status-(\d+)$/.exec(entry.state === 'refused' ? (entry.why ?? '') : '')?.[1];
    if (refusal !== undefined && !copies.some(({ answered }) => answered === Number(refusal)))
      found.push({ rule: 'refusal', about, what: `refused by ${refusal}, which its agent never said` });
    return found;
  });
}

/** Nothing waits, nothing is counted, and the lists have every promised request once, as it ended. */
function leftBehind({ sent, ledger, leftOvers, queue }: Accounts): Violation[] {
  const found: Violation[] = [];
  if (queue.messages > 0)
    found.push({ rule: 'left-behind', about: 'the queue', what: `${queue.messages} messages` });
  if (queue.newDeadLetters > 0)
    found.push({
      rule: 'left-behind',
      about: 'the dead-letter queue',
      what: `${queue.newDeadLetters} messages`,
    });
  for (const { workspaceId, count, bytes, parked, waiting, ended } of leftOvers) {
    const left = (rule: string, what: string): void => void found.push({ rule, about: workspaceId, what });
    if (count !== 0 || bytes !== 0 || parked !== 0)
      left('counters', `${count} requests and ${bytes} bytes still counted, ${parked} shown`);
    if (waiting.length > 0) left('list', `${waiting.length} still in the list of those that wait`);
    const promised = sent
      .filter((request) => request.workspaceId === workspaceId)
      .flatMap((request) => promisedId(request) ?? []);
    const listed = Map.groupBy(ended, ({ requestId }) => requestId);
    for (const requestId of promised) {
      const [entry, ...more] = listed.get(requestId) ?? [];
      const state = ledger.get(requestId)?.state;
      if (entry === undefined || entry.state !== state || more.length > 0)
        left(
          'list',
          `${requestId} is ${state ?? 'unknown'}, and listed as ${entry?.state ?? 'nothing'} ${1 + more.length} times`,
        );
    }
  }
  return found;
}
