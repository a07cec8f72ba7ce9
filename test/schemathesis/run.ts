/**
 * Wrong calls made by schemathesis from docs/openapi.json, against a local stack of its own: each must be answered with a
 * 4xx of the document, and the table and the queues must be the same afterwards. The end-to-end tests run it shortly.
 *
 *   node scripts/launch.mjs test/schemathesis/run.ts [--examples N] [--seconds N]
 */
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { Command } from 'commander';
import { adminClients, type AdminClients } from '../../local/clients.ts';
import type { LocalInfo } from '../../local/local-info.ts';
import { startLocalStack } from '../../local/local-stack.ts';
import { folder, registerSubject, runSchemathesis } from './schemathesis.ts';

const command = new Command('schemathesis')
  .description('Makes wrong calls from docs/openapi.json against a local stack of its own.')
  .option('--examples <n>', 'calls for each route, at least', '100')
  .option('--seconds <n>', 'the longest time in all', '600')
  .parse();
const options = command.opts<{ examples: string; seconds: string }>();

/** What the stack keeps: items of the table, and how much lies in each queue. */
async function kept(info: LocalInfo, admin: AdminClients): Promise<string[]> {
  const { Items = [] } = await admin.dynamodb.send(
    new ScanCommand({ TableName: info.tableName, ConsistentRead: true }),
  );
  const depths = Object.entries(info.queues).map(async ([name, QueueUrl]) => {
    const { Attributes } = await admin.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    const counts = Object.entries(Attributes ?? {}).filter(([key]) =>
      key.startsWith('ApproximateNumberOfMessages'),
    );
    return `${name}: ${JSON.stringify(counts)}`;
  });
  return [...Items.map((item) => JSON.stringify(item)).sort(), ...(await Promise.all(depths))];
}

const stack = await startLocalStack({ folder, onProgress: (line) => process.stderr.write(`${line}\n`) });
const admin = adminClients(stack.info);
try {
  const instanceId = await registerSubject(stack.info, admin);
  const before = await kept(stack.info, admin);
  const { exitCode, seen } = await runSchemathesis(stack.info, instanceId, {
    examples: Number(options.examples),
    seconds: Number(options.seconds),
    onOutput: (text) => process.stdout.write(text),
  });
  const changed = (await kept(stack.info, admin)).filter((it) => !before.includes(it));
  process.stdout.write(`answers by status: ${JSON.stringify([...seen.statuses])}\n`);
  process.stdout.write(`refusals without a code: ${seen.shapeless.join('\n') || 'none'}\n`);
  process.stdout.write(
    changed.length === 0
      ? 'the table and the queues are the same\n'
      : `the table or a queue has changed: ${changed.join('\n')}\n`,
  );
  process.exitCode = exitCode === 0 && changed.length === 0 && seen.shapeless.length === 0 ? 0 : 1;
} finally {
  admin.destroy();
  await stack.stop();
}
