/**
 * Amazon's own DynamoDB Local, from Maven. It needs Java 17 and Maven; its files are kept in .defib.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { answers } from '../../../local/answers.ts';
import { runChild } from '../../../local/child.ts';
import { LocalError } from '../../../local/local-error.ts';
import { choosePort } from '../../../local/port.ts';
import { step } from '../../../local/steps.ts';
import { runInBackground } from './background.ts';
import { inheritedEnvironment } from './inherited-environment.ts';
import type { StartedEmulator, StartOptions } from './started.ts';

const pom = path.join(import.meta.dirname, 'dynamodb-local.pom.xml');
const PATIENCE_SECONDS = 60;

export async function startDynamoDbLocal(options: StartOptions): Promise<StartedEmulator> {
  const { folder, onProgress, signal } = options;
  const jars = path.join(folder, 'dynamodb-local-3.3.1');
  if (!existsSync(jars))
    await step('fetching DynamoDB Local (50 MB, once)', onProgress, () => fetchJars(jars, options));
  const port = await choosePort();
  const url = `http://localhost:${port}`;
  const stop = await step('starting DynamoDB Local', onProgress, () =>
    runInBackground({
      name: 'DynamoDB Local',
      command: 'java',
      args: [
        `-Djava.library.path=${jars}`,
        '-Xmx512m',
        '-cp',
        path.join(jars, '*'),
        'software.amazon.dynamodb.services.local.main.ServerRunner',
        '-inMemory',
        '-disableTelemetry',
        '-port',
        String(port),
      ],
      cwd: jars,
      env: inheritedEnvironment(),
      logFile: path.join(folder, 'dynamodb-local.log'),
      answers: () => answers(url),
      patienceSeconds: PATIENCE_SECONDS,
      signal,
    }),
  );
  return { url, ec2Url: url, stop };
}

async function fetchJars(jars: string, { folder, signal }: StartOptions): Promise<void> {
  const draft = `${jars}.${process.pid}`;
  try {
    const done = await runChild({
      command: 'mvn',
      args: [
        '-q',
        '-B',
        '-f',
        pom,
        'dependency:copy-dependencies',
        '-DincludeScope=runtime',
        `-DoutputDirectory=${draft}`,
      ],
      cwd: folder,
      env: inheritedEnvironment(),
      logFile: path.join(folder, 'dynamodb-local-maven.log'),
      signal,
    });
    if (done.code !== 0) {
      throw new LocalError(
        `Maven could not fetch DynamoDB Local: ${done.lines.at(-1) ?? 'there is no mvn'}. It needs Java 17 and Maven.`,
      );
    }
    renameSync(draft, jars);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
