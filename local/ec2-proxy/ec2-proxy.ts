/**
 * The EC2 lifecycle proxy. It stands between everybody and the emulator's EC2, which changes states at once and
 * refuses nothing: here instances take their time, refuse what EC2 refuses, and fail on command.
 */
import { randomUUID } from 'node:crypto';

import { answerCall } from './answer-call.ts';
import { CallBook } from './call-book.ts';
import { answerControl } from './control.ts';
import { FaultBook } from './fault-book.ts';
import { forwarderTo } from './forward.ts';
import { serve } from './http-server.ts';
import { Lifecycle, type StateChange } from './lifecycle.ts';
import type { StateEvents } from './state-events.ts';
import type { StateName } from './states.ts';

export interface Ec2Proxy {
  /** Where EC2 is. */
  readonly url: string;
  /** Where faults are ordered over HTTP. */
  readonly controlUrl: string;
  /** The same orders, in process. */
  readonly faults: FaultBook;
  readonly calls: CallBook;
  /** Tells of every change of state as it comes; gives back what ends it. Probe faults change nothing here. */
  onStateChange(listener: (change: StateChange) => void): () => void;
  /** The true state, or undefined for an instance that nobody has asked about yet. */
  stateOf(instanceId: string): StateName | undefined;
  close(): Promise<void>;
}

export async function startEc2Proxy(endpointUrl: string, events?: StateEvents): Promise<Ec2Proxy> {
  const listeners = new Set<(change: StateChange) => void>();
  const calls = new CallBook();
  const faults = new FaultBook(() => keepTime());
  const announce = (change: StateChange): void => {
    events?.publish(change);
    for (const listener of listeners) listener(change);
    // Not now: the change itself is not finished.
    queueMicrotask(keepTime);
  };
  const lifecycle = new Lifecycle(() => faults.times, announce);
  let timer: NodeJS.Timeout | undefined;

  function keepTime(): void {
    clearTimeout(timer);
    const dueMs = lifecycle.nextDueMs();
    if (dueMs === undefined) return;
    timer = setTimeout(
      () => {
        lifecycle.advance(Date.now());
        keepTime();
      },
      Math.max(0, dueMs - Date.now()),
    );
  }

  const upstream = forwarderTo(endpointUrl);
  const desk = { lifecycle, faults, calls, forward: upstream.forward, nowMs: Date.now, newId: randomUUID };
  const front = await serve(async (call) => {
    const result = await answerCall(call, desk);
    return result === 'lost' ? null : result.answer;
  });
  const control = await serve((call) => Promise.resolve(answerControl(call, faults, calls)));

  return {
    url: front.url,
    controlUrl: control.url,
    faults,
    calls,
    onStateChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stateOf: (instanceId) => lifecycle.lifeOf(instanceId)?.state,
    async close() {
      clearTimeout(timer);
      listeners.clear();
      await Promise.all([front.close(), control.close()]);
      upstream.close();
      events?.close();
    },
  };
}
