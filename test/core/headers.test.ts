import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptHeaders } from '../../core/headers.ts';

/** What must never lie in a queue: credentials, and what speaks of a connection that is over. */
const never = [
  'Authorization',
  'Connection',
  'Content-Length',
  'Cookie',
  'Expect',
  'Host',
  'Keep-Alive',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Connection',
  'Set-Cookie',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
];

describe('the headers of a parked request', () => {
  it('ordinary ones - kept, in lower case, with their values as they were', () => {
    expect(keptHeaders({ 'Content-Type': 'Application/JSON', 'x-trace': 'A b' })).toEqual({
      'content-type': 'Application/JSON',
      'x-trace': 'A b',
    });
  });

  it.each(never)('%s - never kept, in whatever case it is spelt', (name) => {
    const spellings = [name, name.toLowerCase(), name.toUpperCase()];
    for (const spelling of spellings)
      expect(keptHeaders({ [spelling]: 'x', accept: '*/*' })).toEqual({ accept: '*/*' });
  });

  it('those that Connection names - of this hop, and not kept', () => {
    const headers = { Connection: 'close, X-Hop ,x-other', 'X-Hop': '1', 'x-other': '2', 'x-end': '3' };
    expect(keptHeaders(headers)).toEqual({ 'x-end': '3' });
  });

  it('the values of other headers - name no headers, whatever they say', () => {
    expect(keptHeaders({ 'x-a': 'x-b', 'x-b': '1' })).toEqual({ 'x-a': 'x-b', 'x-b': '1' });
  });

  it('Connection in two spellings - both count', () => {
    const headers = { connection: 'x-one', Connection: 'x-two', 'x-one': '1', 'x-two': '2', 'x-end': '3' };
    expect(keptHeaders(headers)).toEqual({ 'x-end': '3' });
  });

  it("Defib's own names - reserved, so that no caller speaks for it", () => {
    expect(keptHeaders({ 'Defib-Attempt': '7', 'defib-x': '1', 'x-defib-': '2' })).toEqual({
      'x-defib-': '2',
    });
  });

  it('none - none', () => {
    expect(keptHeaders({})).toEqual({});
  });

  it('any names - nothing that is never kept, and all in lower case', () => {
    const name = fc.oneof(
      fc.constantFrom(...never, 'Accept', 'X-A', '__proto__', 'constructor'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), (headers) => {
        for (const kept of Object.keys(keptHeaders(headers))) {
          expect(kept).toBe(kept.toLowerCase());
          expect(never.map((word) => word.toLowerCase())).not.toContain(kept);
        }
      }),
    );
  });
});
