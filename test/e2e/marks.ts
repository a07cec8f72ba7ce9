/** Marked secrets: each text is told apart from every other one, and says where it may be kept. */
import type { Sinks } from './sinks.ts';

/** Where a mark may be found. `answers` are what callers are told when they are refused. */
export type Place = keyof Sinks | 'answers';

export interface Mark {
  readonly what: string;
  readonly may: readonly Place[];
}

const run = Date.now().toString(36);
export const marks = new Map<string, Mark>();

/** A new secret. What nobody keeps has no place. */
export function mark(what: string, ...may: Place[]): string {
  const text = `canary${marks.size}x${run}x`;
  marks.set(text, { what, may });
  return text;
}

/** The secrets of these that may not be in this place, and are. A body lies in base64 in a message. */
export function leakedTo(place: Place, texts: readonly string[]): string[] {
  const readable = texts.flatMap((text) => [text, ...decoded(text)]);
  return [...marks]
    .filter(([text, { may }]) => !may.includes(place) && readable.some((it) => it.includes(text)))
    .map(([, { what }]) => what);
}

/** Every part of a text that is base64, read. */
function decoded(text: string): string[] {
  return (text.match(/[A-Za-z0-9+/_-]{24,}={0,2}/g) ?? []).map((part) =>
    Buffer.from(part, 'base64').toString('latin1'),
  );
}
