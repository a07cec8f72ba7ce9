/** The function's own clock and chance. Only adapters may ask for either. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import type { Log } from '../ports/log.ts';

export function systemClock(log: Log): Clock {
  return {
    nowMs: () => Date.now(),
    sleep: (ms) => sleep(ms),
    every(intervalMs, work) {
      const timer = setInterval(() => {
        work().catch((error: unknown) => {
          log.error('periodic work failed', {}, error);
        });
      }, intervalMs);
      return {
        stop: () => {
          clearInterval(timer);
        },
      };
    },
  };
}

export function systemIds(): Ids {
  return {
    next: (nowMs) => ulid(nowMs),
    jitter: () => Math.random(),
    fingerprint: (text) => createHash('sha256').update(text).digest('hex'),
  };
}
