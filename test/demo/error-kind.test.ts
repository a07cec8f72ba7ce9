import http from 'node:http';
import net, { type AddressInfo } from 'node:net';

import { afterEach, describe, expect, it } from 'vitest';

import { failureOfStatus, kindOfSocketError } from '../../demo/error-kind.ts';
import { forward, type Forwarded } from '../../demo/forward.ts';
import { choosePort } from '../../local/port.ts';

describe('the kind of a socket error', () => {
  it.each([
    [{ code: 'ECONNREFUSED', syscall: 'connect' }, 'refused'],
    [{ code: 'ECONNRESET', syscall: 'read' }, 'reset'],
    [{ code: 'ECONNRESET', syscall: 'write' }, 'reset'],
    [{ code: 'EPIPE', syscall: 'write' }, 'reset'],
    [{ code: 'ECONNRESET' }, 'eof'],
    [{ code: 'HPE_INVALID_CONSTANT' }, 'eof'],
    [{ name: 'TimeoutError', code: '23' }, 'deadline'],
    [{ name: 'AbortError', code: 'ABORT_ERR' }, 'deadline'],
    [{ code: 'ETIMEDOUT', syscall: 'connect' }, 'deadline'],
    [{ code: 'ENOTFOUND', syscall: 'getaddrinfo' }, 'dns'],
    [{ code: 'EAI_AGAIN', syscall: 'getaddrinfo' }, 'dns'],
    [{ code: 'EHOSTUNREACH', syscall: 'connect' }, 'unreachable'],
    [{ code: 'ENETUNREACH', syscall: 'connect' }, 'unreachable'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'tls'],
    [{ code: 'CERT_HAS_EXPIRED' }, 'tls'],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'tls'],
    [{ code: 'EPROTO', syscall: 'write' }, 'tls'],
  ])('%o - %s', (error, kind) => {
    expect(kindOfSocketError(error)).toBe(kind);
  });

  it.each([{}, { code: 'ESOMETHINGNEW' }, { name: 'Error' }])(
    'nobody knows it: %o - the kind that claims least',
    (error) => {
      expect(kindOfSocketError(error)).toBe('unreachable');
    },
  );
});

describe('the failure that a status stands for', () => {
  it.each([502, 503, 504, 521, 522, 523, 524])('%i - a dead origin', (status) => {
    expect(failureOfStatus(status)).toEqual({ kind: 'upstream', status });
  });

  it.each([200, 204, 301, 400, 404, 429, 500, 501, 505, 520, 525])(
    "%i - the agent's own answer",
    (status) => {
      expect(failureOfStatus(status)).toBeUndefined();
    },
  );
});

describe('a real forward', () => {
  let server: net.Server | undefined;
  afterEach(() => void server?.close());

  const listening = async (made: net.Server): Promise<number> => {
    server = made;
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    return (made.address() as AddressInfo).port;
  };
  const send = (port: number, deadlineMs = 2000): Promise<Forwarded> =>
    forward({ port, path: '/', headers: {}, body: Buffer.from('{}'), deadlineMs });
  const failed = (kind: string) => ({ kind: 'failed', error: { kind } });

  it('nobody listens - refused', async () => {
    expect(await send(await choosePort())).toEqual(failed('refused'));
  });

  it('the peer resets - reset', async () => {
    const port = await listening(
      net.createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.resetAndDestroy());
      }),
    );
    expect(await send(port)).toEqual(failed('reset'));
  });

  it('the peer ends without an answer - eof', async () => {
    const port = await listening(net.createServer((socket) => void socket.once('data', () => socket.end())));
    expect(await send(port)).toEqual(failed('eof'));
  });

  it('the answer breaks off in its body - eof', async () => {
    const port = await listening(
      net.createServer((socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
          setTimeout(() => socket.end(), 20);
        });
      }),
    );
    expect(await send(port)).toEqual(failed('eof'));
  });

  it('nobody answers in time - deadline', async () => {
    const port = await listening(net.createServer(() => {}));
    expect(await send(port, 50)).toEqual(failed('deadline'));
  });

  it.each([
    [200, { kind: 'answered', status: 200 }],
    [500, { kind: 'answered', status: 500 }],
    [503, { kind: 'failed', error: { kind: 'upstream', status: 503 } }],
  ])('the answer is %i', async (status, expected) => {
    const port = await listening(http.createServer((_request, response) => response.writeHead(status).end()));
    expect(await send(port)).toEqual(expected);
  });
});
