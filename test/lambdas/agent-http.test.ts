/** What comes of a request to an agent that answers by no rule: against real sockets. */
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { afterAttempt, type AttemptOutcome } from '../../core/attempt.ts';
import { agentHttp } from '../../lambdas/adapters/agent-http.ts';
import type { AgentAnswer } from '../../lambdas/ports/agents.ts';
import { choosePort } from '../../local/port.ts';

let server: net.Server | undefined;
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
  server = undefined;
});

/** Takes connections, reads what comes, and then does as told. */
async function whoAnswers(then: (socket: Socket) => void): Promise<{ port: number; got: () => string }> {
  let got = '';
  const started = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      got += chunk.toString();
      if (got.endsWith('the body')) then(socket);
    });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return { port: (started.address() as AddressInfo).port, got: () => got };
}
const sendTo = (port: number, timeoutMs = 5000): Promise<AgentAnswer> =>
  agentHttp().send({
    protocol: 'http',
    address: '127.0.0.1',
    port,
    method: 'POST',
    path: '/a2a',
    headers: {},
    body: Buffer.from('the body').toString('base64'),
    timeoutMs,
  });
const andThen = (answer: AgentAnswer) => afterAttempt(answer as Extract<AttemptOutcome, { kind: 'failed' }>);

describe('an agent that has read the whole request', () => {
  it.each([
    ['with more headers than anybody reads', `HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(70_000)}\r\n\r\n`],
    ['with two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok'],
    ['with what is no HTTP', 'hello\r\n\r\n'],
    ['with a bad chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
  ])('and answers %s - broken: a failure, and the work may be done', async (_what, answer) => {
    const { port, got } = await whoAnswers((socket) => socket.write(answer));
    const outcome = await sendTo(port);
    expect(outcome).toEqual({ kind: 'failed', because: 'broken' });
    expect(got()).toContain('the body');
    expect(andThen(outcome)).toEqual({ later: 'broken', failure: true, mayHaveArrived: true });
  });

  it.each([
    ['hangs up', 'eof', (socket: Socket) => socket.end()],
    ['resets the connection', 'reset', (socket: Socket) => socket.resetAndDestroy()],
    [
      'hangs up in the middle of its answer',
      'eof',
      (socket: Socket) =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf', () => socket.end()),
    ],
  ])('and %s - %s: a failure, and the work may be done', async (_what, because, then) => {
    const { port } = await whoAnswers(then);
    const outcome = await sendTo(port);
    expect(outcome).toEqual({ kind: 'failed', because });
    expect(andThen(outcome)).toMatchObject({ failure: true, mayHaveArrived: true });
  });

  it('and says nothing - deadline: a failure, and the work may be done', async () => {
    const { port } = await whoAnswers(() => undefined);
    const outcome = await sendTo(port, 300);
    expect(outcome).toEqual({ kind: 'failed', because: 'deadline' });
    expect(andThen(outcome)).toMatchObject({ failure: true, mayHaveArrived: true });
  });
});

it('nobody listens - refused: nothing was sent', async () => {
  const outcome = await sendTo(await choosePort());
  expect(outcome).toEqual({ kind: 'failed', because: 'refused' });
  expect(andThen(outcome)).toMatchObject({ failure: false, mayHaveArrived: false });
});
