/** Ports of this machine. */
import { randomInt } from 'node:crypto';
import net from 'node:net';

import { LocalError } from './local-error.ts';

/**
 * Ports that no system hands out by itself: an agent that is down for a while finds its port free when it comes back.
 * From above, any connection that somebody opens may hold it by then (Linux: 32768 and up, macOS and IANA: 49152).
 */
const LOWEST = 20_000;
const BEYOND = 30_000;

const given = new Set<number>();

/** The wanted port when nobody uses it; when none is wanted, a free one that is given to nobody else here. */
export async function choosePort(wanted?: number): Promise<number> {
  if (wanted !== undefined) return wantedPort(wanted);
  for (;;) {
    const port = randomInt(LOWEST, BEYOND);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

async function wantedPort(port: number): Promise<number> {
  try {
    await tryToListen(port);
    return port;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new LocalError(`Port ${port} is in use: stop what uses it, or choose another with --port.`);
    }
    if (code === 'EACCES') {
      throw new LocalError(`Port ${port} is reserved by the system: choose one above 1024 with --port.`);
    }
    throw error;
  }
}

/** @throws whatever else than a port in use keeps this machine from listening: no other port would help. */
async function isFree(port: number): Promise<boolean> {
  try {
    await tryToListen(port);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

function tryToListen(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}
