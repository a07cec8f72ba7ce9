/** MiniStack as `npm run local` has it: with local/emulator.py's cures, and the lifecycle proxy in front of its EC2. */
import path from 'node:path';
import { startEc2Proxy } from '../../../local/ec2-proxy/ec2-proxy.ts';
import { startEmulator } from '../../../local/emulator.ts';
import { choosePort } from '../../../local/port.ts';
import { step } from '../../../local/steps.ts';
import { ensureVenv } from '../../../local/venv.ts';
import type { StartedEmulator, StartOptions } from './started.ts';

export async function startMiniStack({ folder, onProgress, signal }: StartOptions): Promise<StartedEmulator> {
  const python = await step('preparing Python', onProgress, () => ensureVenv({ onProgress, signal }));
  const logFile = path.join(folder, 'ministack.log');
  const port = await choosePort();
  const emulator = await step('starting MiniStack', onProgress, () =>
    startEmulator({ python, port, logFile, signal }),
  );
  const proxy = await startEc2Proxy(emulator.endpointUrl);
  return {
    url: emulator.endpointUrl,
    ec2Url: proxy.url,
    stop: async () => {
      await proxy.close();
      await emulator.stop();
    },
  };
}
