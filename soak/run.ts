/** One soak on a stack that stands: fleet, callers, troubles and crashes side by side; then the accounts and the oracle. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { callAs } from '../local/callers.ts';
import { adminClients, type AdminClients } from '../local/clients.ts';
import type { LocalInfo } from '../local/local-info.ts';
import { depthOf, readLedger, readLeftOver } from './accounts.ts';
import { callAgain } from './caller.ts';
import { chanceOf } from './chance.ts';
import { Crashes, type CrashPlan } from './crashes.ts';
import { DefibApi } from './defib-api.ts';
import { addWorkspace, followMachines } from './fleet.ts';
import { Machines } from './machine.ts';
import { violationsIn, type Violation } from './oracle.ts';
import { Readiness } from './readiness.ts';
import { isFinal, promisedId, type Accounts, type Arrival, type SentRequest } from './records.ts';
import { summaryOf, type Summary } from './summary.ts';
import { makeTrouble, type Subject } from './trouble.ts';
import { Watch } from './watch.ts';

export interface SoakOptions {
  readonly info: LocalInfo;
  /** The emulator's process: only its descendants are ever killed. */
  readonly emulatorPid: number;
  readonly requests: number;
  readonly workspaces: number;
  /** Over which the requests are sent. */
  readonly minutes: number;
  readonly seed: number;
  readonly beatSeconds: number;
  readonly deliverTimeoutSeconds: number;
  readonly crashes: CrashPlan;
  /** About how often each workspace meets with trouble. */
  readonly troubleEverySeconds: number;
  /** How long after the last request everything must have ended. */
  readonly patienceMinutes: number;
  readonly tell: (text: string) => void;
  readonly signal: AbortSignal;
  /** Takes what must be undone, whatever happens. */
  readonly undo: (what: () => Promise<void> | void) => void;
}

export interface SoakResult {
  readonly violations: readonly Violation[];
  readonly summary: Summary;
  readonly accounts: Accounts;
}

const newsEveryMs = 3000;

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { info, signal, undo, tell, workspaces } = options;
  const chance = chanceOf(options.seed);
  const admin = adminClients(info);
  undo(() => admin.destroy());
  const [operator, proxy] = await Promise.all([
    callAs(info, 'operator', 'soak'),
    callAs(info, 'proxy', 'soak'),
  ]);
  undo(() => {
    operator.close();
    proxy.close();
  });
  const defib = new DefibApi(operator);
  const machines = new Machines(admin.ec2, info.workspaceTag);
  const sent: SentRequest[] = [];
  const arrivals: Arrival[] = [];
  const arrived = new Set<string>();
  const watch = new Watch(defib);
  const readiness = new Readiness();
  const crashes = new Crashes({
    functions: info.functions,
    below: options.emulatorPid,
    chance: chance.of('crashes'),
    ...options.crashes,
  });
  const waits = ({ workspaceId, id, answers }: SentRequest, of: string): boolean =>
    workspaceId === of && !arrived.has(id) && answers.some(({ status }) => status === 202);

  const deadLettersBefore = await depthOf(admin, info.queues.parkedDlq);
  tell(`launching ${workspaces} workspaces`);
  const run = randomBytes(2).toString('hex');
  const subjects: Subject[] = [];
  for (let no = 1; no <= workspaces; no += 1) {
    const subject = await addWorkspace(
      {
        ...options,
        defib,
        machines,
        chance,
        onArrival: (arrival, socket, workMs) => {
          arrivals.push(arrival);
          arrived.add(arrival.key);
          readiness.onArrival(arrival);
          crashes.onArrival(arrival, socket, workMs);
        },
        onReadyBeat: (workspaceId, after, sentAtMs) => {
          if (sent.some((request) => waits(request, workspaceId)))
            readiness.onBeat(workspaceId, after, sentAtMs);
        },
      },
      `soak-${run}-${no}`,
    );
    subjects.push(subject);
  }

  const ending = new AbortController();
  const untilEnd = AbortSignal.any([signal, ending.signal]);
  const calm = new AbortController();
  const untilCalm = AbortSignal.any([untilEnd, calm.signal]);
  const troubles: string[] = [];
  const background = [
    followMachines(machines, subjects, untilEnd),
    crashes.strike(untilCalm),
    watch.run(
      subjects.map(({ workspaceId }) => workspaceId),
      untilEnd,
    ),
    ...subjects.map((subject) =>
      makeTrouble({
        subject,
        machines,
        defib,
        chance: chance.of(`trouble ${subject.workspaceId.split('-').at(-1) ?? ''}`),
        everyMs: options.troubleEverySeconds * 1000,
        signal: untilCalm,
        tell: (trouble) => {
          troubles.push(trouble);
          tell(`${subject.workspaceId}: ${trouble}`);
        },
      }),
    ),
  ];
  const failed = Promise.race(background.map(onlyFailures));
  const startedMs = Date.now();
  const news = setInterval(() => {
    const promised = sent.filter((request) => promisedId(request) !== undefined).length;
    const ended = [...watch.sightings.values()].filter((seen) => isFinal(seen.at(-1)?.state ?? '')).length;
    const up = subjects.filter(({ agent }) => agent.isUp).length;
    tell(
      `${Math.round((Date.now() - startedMs) / 1000)} s: ${sent.length} of ${options.requests} sent, ${promised} promised, ` +
        `${arrived.size} arrived, ${ended} seen ended, ${crashes.done.length + crashes.strikes} crashes, ${up} of ${workspaces} agents up`,
    );
  }, newsEveryMs);
  try {
    const perWorkspace = Math.ceil(options.requests / workspaces);
    const everyMs = (options.minutes * 60_000) / perWorkspace;
    const callers = subjects.map(({ workspaceId, agent }, index) =>
      callAgain(
        {
          workspaceId,
          proxy,
          chance: chance.of(`caller ${index}`),
          isAgentUp: () => agent.isUp,
          sent,
          signal,
          run,
        },
        Math.min(perWorkspace, options.requests - index * perWorkspace),
        everyMs,
      ),
    );
    await Promise.race([Promise.all(callers), failed]);
    const sentInMs = Date.now() - startedMs;
    calm.abort();
    tell('all sent: no more instances stop; waiting until nothing waits');
    await Promise.race([drain(defib, admin, subjects, options), failed]);
    const drainedInMs = Date.now() - startedMs - sentInMs;
    ending.abort();
    await Promise.all(background);
    tell('reading the ledger');
    // Also those that nobody was promised: what was seen to have ended has to stay so.
    const promised = sent.flatMap((request) => promisedId(request) ?? []);
    const known = new Set([...promised, ...watch.sightings.keys()]);
    const ledger = await readLedger(defib, known, (entry) => watch.note(entry));
    const leftOvers = [];
    for (const { workspaceId } of subjects)
      leftOvers.push(await readLeftOver({ defib, admin, info }, workspaceId));
    const accounts: Accounts = {
      sent,
      arrivals,
      sightings: watch.sightings,
      ledger,
      leftOvers,
      queue: {
        messages: await depthOf(admin, info.queues.parked),
        newDeadLetters: (await depthOf(admin, info.queues.parkedDlq)) - deadLettersBefore,
      },
    };
    const violations = violationsIn(accounts);
    const summary = summaryOf(accounts, {
      violations,
      seed: options.seed,
      crashes: crashes.done,
      strikes: crashes.strikes,
      delays: readiness.delays,
      troubles,
      sentInMs,
      drainedInMs,
    });
    return { violations, summary, accounts };
  } finally {
    clearInterval(news);
    ending.abort();
  }
}

/** Until no list shows a waiting request and the queue is empty; when that takes too long, the oracle will say so. */
async function drain(
  defib: DefibApi,
  admin: AdminClients,
  subjects: readonly Subject[],
  { info, patienceMinutes, signal, tell }: SoakOptions,
): Promise<void> {
  const giveUpAtMs = Date.now() + patienceMinutes * 60_000;
  while (Date.now() < giveUpAtMs) {
    await sleep(2000, undefined, { signal });
    if ((await depthOf(admin, info.queues.parked)) > 0) continue;
    const parked = await Promise.all(subjects.map(({ workspaceId }) => defib.parkedOf(workspaceId)));
    if (parked.every((count) => count === 0)) return;
  }
  tell(`not all has ended after ${patienceMinutes} minutes`);
}

/** Never resolves: a background task that ends well has nothing to say. */
async function onlyFailures(task: Promise<void>): Promise<never> {
  await task;
  return new Promise<never>(() => {});
}
