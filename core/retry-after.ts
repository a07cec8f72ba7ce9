/**
 * The seconds that an answer's Retry-After asks for: a number, or a date (RFC 9110, 10.2.3), which is counted from the
 * answer's own Date, by the clock that made both; from `nowMs` where it has none. Undefined when it asks for nothing.
 */
export function retryAfterOf(headers: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  // "undefined", for a header that is not there, is neither a number nor a date.
  const told = (name: string): string => String(headers[name]).trim();
  const asked = told('retry-after');
  const seconds = /^[0-9]+$/.test(asked)
    ? Number(asked)
    : ((instantOf(asked) ?? NaN) - (instantOf(told('date')) ?? nowMs)) / 1000;
  return seconds > 0 ? seconds : undefined;
}

const httpDate = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

function instantOf(text: string): number | undefined {
  const instantMs = httpDate.test(text) ? Date.parse(text) : NaN;
  return Number.isFinite(instantMs) ? instantMs : undefined;
}
