/** A sandbox of one function: its clock may be wrong, its memory outlives an invocation, and it runs one at a time. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../lambdas/ports/clock.ts';
import type { Ids } from '../../lambdas/ports/ids.ts';
import type { Log, LogFields } from '../../lambdas/ports/log.ts';
import type { FunctionName } from '../../lambdas/runtime/env-names.ts';
import type { Invocation } from './invocation.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Code } from './versions.ts';

export interface Sandbox {
  readonly fn: FunctionName;
  readonly number: number;
  readonly code: Code;
  /** How far its clock is ahead. */
  readonly skewMs: number;
  /** After a thaw its clock shows an old time until then. */
  lag: { readonly shownMs: number; readonly untilMs: number } | undefined;
  /** The one that runs in it. */
  invocation: Invocation | undefined;
  idleSinceMs: number;
}

export function clockOf(time: Scheduler, sandbox: Sandbox, log: Log): Clock {
  const { skewMs } = sandbox;
  return {
    nowMs() {
      const nowMs = time.nowMs();
      const { lag } = sandbox;
      return (lag !== undefined && nowMs < lag.untilMs ? lag.shownMs : nowMs) + skewMs;
    },
    sleep: (ms) => running(sandbox).wait(ms),
    every(intervalMs, work) {
      const invocation = running(sandbox);
      let stopped = false;
      const next = (): void => {
        // The work may outlast its invocation's own end; what it would do then, a frozen sandbox does not.
        if (time.nowMs() + intervalMs > invocation.deadlineMs) return;
        invocation.after(intervalMs, () => {
          if (stopped) return;
          work().catch((error: unknown) => {
            log.error('periodic work failed', {}, error);
          });
          next();
        });
      };
      next();
      return {
        stop: () => {
          stopped = true;
        },
      };
    },
  };
}

export function running({ invocation, fn }: Sandbox): Invocation {
  if (invocation === undefined) throw new Error(`${fn} does something while it does not run`);
  return invocation;
}

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID: ten characters of time, sixteen of chance. */
export function ulidOf(nowMs: number, random: Random): string {
  let text = '';
  for (let rest = Math.floor(nowMs), at = 0; at < 10; at += 1, rest = Math.floor(rest / 32))
    text = (BASE32[rest % 32] ?? '0') + text;
  for (let at = 0; at < 16; at += 4) {
    const bits = Math.floor(random.next() * 1048576);
    text += (BASE32[bits & 31] ?? '') + (BASE32[(bits >> 5) & 31] ?? '');
    text += (BASE32[(bits >> 10) & 31] ?? '') + (BASE32[(bits >> 15) & 31] ?? '');
  }
  return text;
}

/** The same text has the same fingerprint in every world. */
const fingerprints = new Map<string, string>();
const MOST_FINGERPRINTS = 2000;

export function idsOf(random: Random): Ids {
  return {
    next: (nowMs) => ulidOf(nowMs, random),
    jitter: () => random.next(),
    fingerprint(text) {
      let print = fingerprints.get(text);
      if (print === undefined) {
        print = createHash('sha256').update(text).digest('hex');
        if (fingerprints.size >= MOST_FINGERPRINTS) fingerprints.clear();
        fingerprints.set(text, print);
      }
      return print;
    },
  };
}

export interface LogBook {
  /** Every count of every function, by metric. */
  counted(metric: string): void;
  /** A line of a log. */
  said(sandbox: Sandbox, level: string, message: string, fields: LogFields, error?: unknown): void;
}

export function logOf(sandbox: Sandbox, book: LogBook): Log {
  return {
    info: (message, fields = {}) => {
      book.said(sandbox, 'info', message, fields);
    },
    warn: (message, fields = {}) => {
      book.said(sandbox, 'warn', message, fields);
    },
    error: (message, fields, error) => {
      book.said(sandbox, 'error', message, fields, error);
    },
    count: (metric) => {
      book.counted(metric);
    },
  };
}
