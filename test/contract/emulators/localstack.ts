/** LocalStack's last version that needs no account, in host mode: without Docker. */
import { LocalError } from '../../../local/local-error.ts';
import type { StartedEmulator, StartOptions } from './started.ts';

export function startLocalStack(_options: StartOptions): Promise<StartedEmulator> {
  return Promise.reject(new LocalError('not yet'));
}
