/** One EC2 call from arrival to answer: count it, let the faults strike, ask the emulator, play our part. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { CallBook } from './call-book.ts';
import { namedInstances, parseEc2Request, type Ec2Request } from './ec2-request.ts';
import { ec2Actions, type Ec2Action } from './fault-order.ts';
import type { Forward, HttpAnswer, HttpCall } from './forward.ts';
import { parts, type World } from './play.ts';
import { dryRun, internalError, throttled, upstreamGone, type Refusal } from './refusals.ts';
import { buildXml, parseXml, refusalXml } from './xml.ts';

/** `lost`: it was done, and the caller shall not hear of it. */
export type CallResult = { readonly answer: HttpAnswer } | 'lost';

export interface Desk extends World {
  readonly calls: CallBook;
  readonly forward: Forward;
  readonly newId: () => string;
}

export async function answerCall(call: HttpCall, desk: Desk): Promise<CallResult> {
  const request = parseEc2Request(call.path.split('?')[1] ?? '', call.body);
  const { faults } = desk;
  desk.calls.count(request.action, namedInstances(request));
  const delayMs = faults.delayMs(request.action);
  if (delayMs > 0) await sleep(delayMs);
  if (faults.strikes('throttle', request.action)) return { answer: refuse(throttled, desk) };
  if (faults.strikes('fail', request.action)) return { answer: refuse(internalError, desk) };
  const answer = await done(call, request, desk);
  return faults.strikes('loseAnswer', request.action) ? 'lost' : { answer };
}

async function done(call: HttpCall, request: Ec2Request, desk: Desk): Promise<HttpAnswer> {
  let upstream: HttpAnswer;
  try {
    upstream = await desk.forward(call);
  } catch {
    return refuse(upstreamGone, desk);
  }
  // A no stays a no, in the emulator's own words: wrong signature, not allowed, no such instance, dry run.
  if (upstream.status !== 200 || !isPlayed(request.action)) return upstream;
  if (request.dryRun) return refuse(dryRun, desk);
  desk.lifecycle.advance(desk.nowMs());
  const played = parts[request.action](parseXml(upstream.body), request, desk);
  return 'refusal' in played
    ? refuse(played.refusal, desk)
    : { ...upstream, body: buildXml(played.document) };
}

function isPlayed(action: string): action is Ec2Action {
  return ec2Actions.some((played) => played === action);
}

function refuse(refusal: Refusal, desk: Desk): HttpAnswer {
  return {
    status: refusal.status,
    contentType: 'text/xml;charset=UTF-8',
    body: refusalXml(refusal, desk.newId()),
  };
}
