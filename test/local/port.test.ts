import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';

import { choosePort } from '../../local/port.ts';

const open: net.Server[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => new Promise((done) => server.close(done)))));

async function listening(port = 0): Promise<number> {
  const server = net.createServer();
  open.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

it('no port is wanted - each is free, given once, and none that a system gives to a connection by itself', async () => {
  const ports: number[] = [];
  for (let count = 0; count < 50; count += 1) ports.push(await choosePort());
  expect(new Set(ports).size).toBe(50);
  expect(Math.max(...ports)).toBeLessThan(32_768);
  expect(Math.min(...ports)).toBeGreaterThan(1024);
  expect(await listening(ports[0])).toBe(ports[0]);
});

it('the wanted port is free - it is the one', async () => {
  const port = await choosePort();
  expect(await choosePort(port)).toBe(port);
});

it('the wanted port is in use - it is said which, and what to do', async () => {
  const port = await listening();
  await expect(choosePort(port)).rejects.toThrow(
    `Port ${port} is in use: stop what uses it, or choose another with --port.`,
  );
});
