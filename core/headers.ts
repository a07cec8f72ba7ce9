/**
 * Headers that are never kept with a parked request: hop-by-hop ones speak of a connection that is over, and
 * credentials do not belong in a queue (RFC 9110, section 7.6.1).
 */
const neverKept = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The headers worth keeping, in lower case; Defib's own names are reserved for Defib. */
export function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const ofThisHop = new Set(
    // Twice, in two spellings, is allowed in JSON: each names headers of this hop.
    named
      .filter(([name]) => name === 'connection')
      .flatMap(([, value]) => value.split(',').map((hop) => hop.trim().toLowerCase())),
  );
  return Object.fromEntries(
    named.filter(([name]) => !neverKept.has(name) && !ofThisHop.has(name) && !name.startsWith('defib-')),
  );
}
