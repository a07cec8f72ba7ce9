/** Starts stacks for tests: built once, then deployed at the same time. */
import { mkdirSync } from 'node:fs';
import type { PolicySettings } from '../../core/policy.ts';
import { userEndpoint } from '../../local/account.ts';
import { buildFunctions } from '../../local/deploy.ts';
import { startLocalStack, type LocalStack } from '../../local/local-stack.ts';
import { ensureVenv } from '../../local/venv.ts';
import type { TestStack } from './stacks.ts';

export interface StartedStacks {
  readonly stacks: readonly TestStack[];
  readonly stop: () => Promise<void>;
}

/** One stack for each name; the name is its folder, too. On failure nothing is left running. */
export async function startStacks(
  names: readonly string[],
  settings: Partial<PolicySettings>,
): Promise<StartedStacks> {
  const folders = names.map((name) => `.defib/${name}`);
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const tell = (name: string) => (line: string) => void process.stderr.write(`${name}: ${line}\n`);
  await Promise.all([
    buildFunctions(folders[0] ?? ''),
    userEndpoint() ? undefined : ensureVenv({ onProgress: tell(names[0] ?? '') }),
  ]);
  const starts = await Promise.allSettled(
    names.map((name, index) =>
      startLocalStack({ settings, folder: folders[index] ?? '', build: false, onProgress: tell(name) }),
    ),
  );
  const running = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = async () => {
    await Promise.all(running.map((stack) => stack.stop()));
  };
  const failure = starts.find((start) => start.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return { stacks: running.map(asTold), stop };
}

const asTold = ({ info, emulatorPid, folder }: LocalStack): TestStack => ({
  info,
  emulatorPid: emulatorPid ?? 0,
  folder,
});
