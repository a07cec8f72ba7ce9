/** Ports of this machine. */
import net from 'node:net';
import type { AddressInfo } from 'node:net';

import { LocalError } from './local-error.ts';

/** The wanted port when nobody uses it; a free one when none is wanted. */
export async function choosePort(wanted?: number): Promise<number> {
  try {
    return await tryToListen(wanted ?? 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new LocalError(`Port ${wanted} is in use: stop what uses it, or choose another with --port.`);
    }
    if (code === 'EACCES') {
      throw new LocalError(`Port ${wanted} is reserved by the system: choose one above 1024 with --port.`);
    }
    throw error;
  }
}

function tryToListen(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const chosen = (server.address() as AddressInfo).port;
      server.close(() => resolve(chosen));
    });
  });
}
