/** What `npm run local` says: to a person, or with --json to a program. */
import { infoFileOf } from './local-info.ts';
import type { LocalStack } from './local-stack.ts';
import { shown } from './places.ts';

export interface Talker {
  progress(line: string): void;
  ready(stack: LocalStack): void;
  error(message: string): void;
  stopped(): void;
}

export function talkerFor(json: boolean): Talker {
  // A reader that has gone away is no reason to fall over while stopping.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  return json ? machine : person;
}

const startedMs = performance.now();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const sinceStart = (): string => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;

const person: Talker = {
  progress: (line) => say(`[${sinceStart().padStart(7)}] ${line}`),
  ready: (stack) => say(welcome(stack)),
  error: (message) => void process.stderr.write(`defib: ${message}\n`),
  stopped: () => say('stopped; nothing is left running'),
};

const machine: Talker = {
  progress: (line) => say(JSON.stringify({ event: 'progress', line: line.trim() })),
  ready: (stack) => say(JSON.stringify({ event: 'ready', info: stack.info, file: infoFileOf(stack.folder) })),
  error: (message) => say(JSON.stringify({ event: 'error', message })),
  stopped: () => say(JSON.stringify({ event: 'stopped' })),
};

function welcome({ info, folder }: LocalStack): string {
  return [
    '',
    `The local stack is ready after ${sinceStart()}.`,
    '',
    `  API            ${info.apiUrl}  (signed calls only; resolve it to 127.0.0.1)`,
    `  AWS            ${info.endpointUrl}  (credentials test / test, region ${info.region})`,
    `  EC2            ${info.ec2ProxyUrl}  (tag instances ${info.workspaceTag.Key}=${info.workspaceTag.Value})`,
    `  EC2 faults     ${info.ec2ControlUrl}/faults, counts at /calls`,
    `  For tools      ${shown(infoFileOf(folder))}`,
    `  Logs           ${shown(folder)}`,
    '',
    'For example, with the AWS CLI:',
    `  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws --region ${info.region} --endpoint-url ${info.ec2ProxyUrl} ec2 describe-instances`,
    `  curl -X PUT ${info.ec2ControlUrl}/faults -d '{"throttle": {"DescribeInstances": 0.5}}'`,
    '',
    'Ctrl-C stops it all.',
  ].join('\n');
}
