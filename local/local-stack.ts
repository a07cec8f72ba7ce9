/**
 * The whole local stack: emulator, EC2 lifecycle proxy, the deployed CDK stack, and local.json that tells of them.
 * `npm run local`, the demo and the end-to-end tests all start here.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import type { PolicySettings } from '../core/policy.ts';
import { accountAt, userEndpoint } from './account.ts';
import { adminCredentials, localRegion } from './admin.ts';
import { buildFunctions, deployStack } from './deploy.ts';
import { startEc2Proxy, type Ec2Proxy } from './ec2-proxy/ec2-proxy.ts';
import { stateEventsTo } from './ec2-proxy/state-events.ts';
import { startEmulator, type Emulator } from './emulator.ts';
import { LocalError } from './local-error.ts';
import { refuseSecondStack, removeLocalInfo, writeLocalInfo, type LocalInfo } from './local-info.ts';
import { infoFromOutputs, workspaceTag } from './outputs.ts';
import { defaultFolder } from './places.ts';
import { choosePort } from './port.ts';
import { step, type Progress } from './steps.ts';
import { ensureVenv } from './venv.ts';

export interface LocalStackOptions {
  /** The emulator's port. @default a free one */
  readonly port?: number;
  /** Policy settings that differ from the defaults. @default none */
  readonly settings?: Partial<PolicySettings>;
  /** Where local.json and the logs go. Stacks at the same time need different ones. @default .defib */
  readonly folder?: string;
  /** Told a line for each step that takes long. @default silence */
  readonly onProgress?: Progress;
  /** Gives up a start that is under way: it cleans up, then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Whether to bundle the functions first. @default true */
  readonly build?: boolean;
  /** Another CDK app than bin/app.ts, as a shell command; for tests of this file. */
  readonly app?: string;
}

export interface LocalStack {
  readonly info: LocalInfo;
  /** The EC2 proxy, in process: faults, calls, changes of state. */
  readonly ec2: Ec2Proxy;
  /** Where local.json and the logs are. */
  readonly folder: string;
  /** The emulator's process, where it is ours: the functions' processes descend from it. */
  readonly emulatorPid: number | undefined;
  /** Resolves when the emulator dies by itself; then all that is left to do is `stop()`. */
  readonly broken: Promise<LocalError>;
  /** Ends everything that was started and removes local.json. May be called more than once. */
  stop(): Promise<void>;
}

/** Starts the local stack and resolves when it is ready for calls. On failure nothing is left running. */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  const folder = path.resolve(options.folder ?? defaultFolder);
  const onProgress = options.onProgress ?? (() => {});
  mkdirSync(folder, { recursive: true });
  await refuseSecondStack(folder);

  const undo: (() => Promise<void> | void)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      for (const undoOne of undo.reverse()) await undoOne();
    })());
  // Ends the deploy when the caller gives up, and also when the emulator dies under it.
  const giveUp = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, giveUp.signal]) : giveUp.signal;

  try {
    // The bundles are made while the emulator starts.
    const built = options.build === false ? Promise.resolve() : buildFunctions(folder, signal);
    built.catch(() => {});
    const emulator = await bringUpEmulator(options, folder, onProgress, signal);
    if (emulator) undo.push(() => emulator.stop());
    const broken = emulator?.died ?? new Promise<LocalError>(() => {});
    void broken.then((error) => giveUp.abort(error));

    const account = await accountAt(
      emulator ? { ...emulator, credentials: adminCredentials } : requiredEndpoint(),
    );
    const { endpointUrl } = account;
    const ec2 = await startEc2Proxy(
      endpointUrl,
      stateEventsTo({ endpoint: endpointUrl, region: localRegion, credentials: account.credentials }),
    );
    undo.push(() => ec2.close());

    await step('bundling the functions', onProgress, () => built);
    const outputs = await step('deploying the stack', onProgress, () =>
      deployStack({
        account,
        folder,
        ec2EndpointUrl: ec2.url,
        settings: options.settings ?? {},
        signal,
        ...(options.app === undefined ? {} : { app: options.app }),
      }),
    );
    const info: LocalInfo = {
      endpointUrl,
      region: localRegion,
      ...infoFromOutputs(outputs),
      ec2ProxyUrl: ec2.url,
      ec2ControlUrl: ec2.controlUrl,
      workspaceTag,
    };
    writeLocalInfo(folder, info);
    undo.push(() => removeLocalInfo(folder));
    return { info, ec2, folder, emulatorPid: emulator?.processId, broken, stop };
  } catch (error) {
    giveUp.abort(error);
    await stop();
    throw error;
  }
}

/** Undefined where the user has an endpoint of their own: that one is used, and not ours to stop. */
async function bringUpEmulator(
  options: LocalStackOptions,
  folder: string,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<Emulator | undefined> {
  const own = userEndpoint();
  if (own) {
    onProgress(`using the AWS at ${own.endpointUrl} (AWS_ENDPOINT_URL)`);
    return undefined;
  }
  const port = await choosePort(options.port);
  const python = await step('preparing Python', onProgress, () => ensureVenv({ onProgress, signal }));
  const logFile = path.join(folder, 'emulator.log');
  return step('starting the emulator', onProgress, () => startEmulator({ python, port, logFile, signal }));
}

function requiredEndpoint(): NonNullable<ReturnType<typeof userEndpoint>> {
  const endpoint = userEndpoint();
  if (!endpoint) throw new LocalError('AWS_ENDPOINT_URL went away while the stack was starting.');
  return endpoint;
}
