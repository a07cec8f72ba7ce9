/** Resolves `*.localhost` to this machine. Not every system's resolver does, and the API's host name is one. */
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';

export const localLookup: LookupFunction = (hostname, options, callback) => {
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost');
  if (!isLocal) dns.lookup(hostname, options, callback);
  else if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};
