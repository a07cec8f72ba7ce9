/** What a run came to, for programs and for people. */
import type { Crash } from './crashes.ts';
import type { Violation } from './oracle.ts';
import { spreadOf, type Delay, type Spread } from './readiness.ts';
import { finalStates, promisedId, type Accounts } from './records.ts';

export interface Summary {
  readonly seed: number;
  readonly sent: number;
  readonly promised: number;
  /** Of the promised: how each ended. */
  readonly ended: Readonly<Record<string, number>>;
  readonly notPromised: Readonly<Record<string, number>>;
  readonly arrivals: number;
  readonly duplicates: number;
  readonly troubles: Readonly<Record<string, number>>;
  /** What the agents meant to do with what arrived. */
  readonly manners: Readonly<Record<string, number>>;
  readonly crashes: number;
  /** Processes of receive or deliver that were killed besides, whatever they did. */
  readonly strikes: number;
  /** From a crash to the next attempt of the same request. */
  readonly triedAgain?: Spread;
  /** From the beat that made a workspace ready to the arrival of its first waiting request. */
  readonly readyToDelivery: Readonly<Record<string, Spread>>;
  readonly sentInSeconds: number;
  readonly drainedInSeconds: number;
  readonly violations: number;
}

export interface Course {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly crashes: readonly Crash[];
  readonly strikes: number;
  readonly delays: readonly Delay[];
  readonly troubles: readonly string[];
  readonly sentInMs: number;
  readonly drainedInMs: number;
}

export function summaryOf({ sent, arrivals, ledger }: Accounts, course: Course): Summary {
  const promised = sent.flatMap((request) => promisedId(request) ?? []);
  const states = promised.map((requestId) => ledger.get(requestId)?.state ?? 'unknown');
  const refused = sent.filter((request) => promisedId(request) === undefined);
  const triedAgain = spreadOf(
    course.crashes.flatMap(({ requestId, attempt, atMs }) => {
      const next = arrivals.find((one) => one.requestId === requestId && one.attempt > attempt);
      return next ? [next.atMs - atMs] : [];
    }),
  );
  const byReason = Map.groupBy(course.delays, ({ after }) => after);
  return {
    seed: course.seed,
    sent: sent.length,
    promised: promised.length,
    ended: countOf([...states], finalStates),
    notPromised: countOf(refused.map(({ answers }) => answers.at(-1)?.code ?? 'no answer')),
    arrivals: arrivals.length,
    duplicates: arrivals.length - new Set(arrivals.map(({ requestId }) => requestId)).size,
    troubles: countOf(course.troubles),
    manners: countOf(arrivals.map(({ meant }) => meant)),
    crashes: course.crashes.length,
    strikes: course.strikes,
    ...(triedAgain && { triedAgain }),
    readyToDelivery: Object.fromEntries(
      [...byReason].flatMap(([after, delays]) => {
        const spread = spreadOf(delays.map(({ ms }) => ms));
        return spread ? [[after, spread]] : [];
      }),
    ),
    sentInSeconds: Math.round(course.sentInMs / 1000),
    drainedInSeconds: Math.round(course.drainedInMs / 1000),
    violations: course.violations.length,
  };
}

export function summaryText(summary: Summary, violations: readonly Violation[]): string {
  const { sent, promised, ended, notPromised, triedAgain, readyToDelivery } = summary;
  return [
    `${sent} requests sent in ${summary.sentInSeconds} s, all ended ${summary.drainedInSeconds} s later`,
    `  promised          ${promised}: ${inWords(ended)}`,
    `  not promised      ${sent - promised}: ${inWords(notPromised)}`,
    `  arrived           ${summary.arrivals} times, ${summary.duplicates} of them again`,
    `  agents answered   ${inWords(summary.manners)}`,
    `  troubles          ${inWords(summary.troubles)}`,
    `  deliver crashed   ${summary.crashes} times${triedAgain ? `; tried again after ${spreadInWords(triedAgain)}` : ''}`,
    `  crashed besides   ${summary.strikes} times, receive or deliver`,
    ...Object.entries(readyToDelivery).map(
      ([after, spread]) => `  ready to delivery ${spreadInWords(spread)} (made ready by ${after})`,
    ),
    '',
    ...violations.map(({ rule, about, what }) => `violation: ${rule}: ${about}: ${what}`),
    `${violations.length} violations (seed ${summary.seed})`,
  ].join('\n');
}

function countOf(words: readonly string[], atLeast: readonly string[] = []): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(atLeast.map((word) => [word, 0]));
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

const inWords = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ') || 'none';

const spreadInWords = ({ count, medianMs, worstMs }: Spread): string =>
  `median ${medianMs} ms, worst ${worstMs} ms, ${count} times`;
