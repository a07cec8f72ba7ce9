/**
 * What the whole run came to. Every request that was sent is delivered, or refused with an answer that its caller
 * got, or lost; and `delivered` is believed only where the agent's own log has it, byte for byte.
 */
import type { Served } from './agent-log.ts';
import type { StoryResult } from './story-result.ts';
import { parkedIdOf, type SentRequest } from './requests.ts';

/** The last line of `--json`. */
export interface Summary {
  readonly sent: number;
  /** At once, or later. */
  readonly delivered: number;
  /** Of those sent: promised by a 202. Each of them is also counted by its end. */
  readonly parked: number;
  readonly refused: number;
  readonly lost: number;
  readonly restartsJustified: number;
  readonly restartsUnjustified: number;
  readonly stories: readonly StoryResult[];
}

export interface WorkspaceTally extends Omit<Summary, 'stories'> {
  readonly workspaceId: string;
  /** Requests that the agent got more than once, and answered from its memory. */
  readonly repeated: number;
}

export interface LostRequest {
  readonly id: string;
  readonly why: string;
}

export interface Tally {
  readonly summary: Summary;
  readonly workspaces: readonly WorkspaceTally[];
  readonly lost: readonly LostRequest[];
}

/** Everything about one workspace that is counted. */
export interface WorkspaceFacts {
  readonly workspaceId: string;
  readonly requests: readonly SentRequest[];
  /** The agent's own log. */
  readonly served: readonly Served[];
  /** Start and Stop calls of Defib. */
  readonly starts: number;
  readonly stops: number;
  /** How often the demo stopped the instance: each time justifies one Start. */
  readonly stoppedByDemo: number;
}

export function tallyOf(facts: readonly WorkspaceFacts[], stories: readonly StoryResult[]): Tally {
  const counted = facts.map(workspaceTally);
  const workspaces = counted.map(({ tally }) => tally);
  const sum = (name: keyof Omit<Summary, 'stories'>): number =>
    workspaces.reduce((total, workspace) => total + workspace[name], 0);
  const summary: Summary = {
    sent: sum('sent'),
    delivered: sum('delivered'),
    parked: sum('parked'),
    refused: sum('refused'),
    lost: sum('lost'),
    restartsJustified: sum('restartsJustified'),
    restartsUnjustified: sum('restartsUnjustified'),
    stories,
  };
  return { summary, workspaces, lost: counted.flatMap(({ lost }) => lost) };
}

/** Whether all is as it must be. */
export function isGood({ lost, restartsUnjustified, stories }: Summary): boolean {
  return lost === 0 && restartsUnjustified === 0 && stories.length > 0 && stories.every(({ ok }) => ok);
}

type Fate = { readonly kind: 'delivered' | 'refused' } | { readonly kind: 'lost'; readonly why: string };

/** What became of one request, checked against the agent's log. */
export function fateOf(request: SentRequest, served: readonly Served[]): Fate {
  const { answer, end } = request;
  if (request.answeredStatus !== undefined) return checkedDelivery(request, served);
  if (!answer) return { kind: 'lost', why: request.unanswered ?? 'nobody answered' };
  if (parkedIdOf(request) === undefined) {
    return answer.status >= 400
      ? { kind: 'refused' }
      : { kind: 'lost', why: `answered ${answer.status} ${answer.code} without a promise` };
  }
  switch (end?.state) {
    case 'delivered':
      return checkedDelivery(request, served);
    case 'refused':
      return { kind: 'refused' };
    case undefined:
      return { kind: 'lost', why: 'promised, and not at its end when the run ended' };
    default:
      return { kind: 'lost', why: `promised, and ${end?.state ?? ''}: ${end?.why ?? 'no reason'}` };
  }
}

function checkedDelivery({ id, sha256 }: SentRequest, served: readonly Served[]): Fate {
  const copies = served.filter(({ key }) => key === id);
  if (copies.length === 0)
    return { kind: 'lost', why: 'called delivered, and the agent knows nothing of it' };
  return copies.every((copy) => copy.sha256 === sha256)
    ? { kind: 'delivered' }
    : { kind: 'lost', why: 'called delivered, and the agent got other bytes' };
}

function workspaceTally(facts: WorkspaceFacts): { tally: WorkspaceTally; lost: LostRequest[] } {
  const { workspaceId, requests, served, starts, stops, stoppedByDemo } = facts;
  const fates = requests.map((request) => ({ id: request.id, fate: fateOf(request, served) }));
  const count = (kind: Fate['kind']): number => fates.filter(({ fate }) => fate.kind === kind).length;
  // A Start of something that was stopped is right, once for each time; a Stop never is: nobody asked for one.
  const restartsJustified = Math.min(starts, stoppedByDemo);
  return {
    tally: {
      workspaceId,
      sent: requests.length,
      delivered: count('delivered'),
      parked: requests.filter((request) => parkedIdOf(request) !== undefined).length,
      refused: count('refused'),
      lost: count('lost'),
      repeated: served.filter(({ how }) => how === 'repeated').length,
      restartsJustified,
      restartsUnjustified: starts - restartsJustified + stops,
    },
    lost: fates.flatMap(({ id, fate }) => (fate.kind === 'lost' ? [{ id, why: fate.why }] : [])),
  };
}
