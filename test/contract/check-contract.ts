/** Makes tests of the suites. A known difference must show: when it is gone, its mark has to go too. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Bench, EmulatorName, Service, Suite } from './bench.ts';
import { suites } from './suites.ts';

/** What each emulator stands in for. */
export const servicesOf: Readonly<Record<EmulatorName, readonly Service[]>> = {
  fakes: ['dynamodb', 'sqs', 'ec2', 'eventbridge'],
  ministack: ['dynamodb', 'sqs', 'ec2', 'eventbridge'],
  // Its DynamoDB is DynamoDB Local, which is checked by itself.
  localstack: ['sqs', 'ec2'],
  'dynamodb-local': ['dynamodb'],
};

export function checkContract(emulator: EmulatorName, open: () => Promise<Bench>): void {
  describe(`the contract on ${emulator}`, () => {
    let bench: Bench | undefined;
    beforeAll(async () => {
      bench = await open();
    });
    afterAll(() => bench?.close());
    for (const suite of suites) {
      if (servicesOf[emulator].includes(suite.service)) checkSuite(emulator, suite, () => bench);
    }
  });
}

function checkSuite(emulator: EmulatorName, suite: Suite, bench: () => Bench | undefined): void {
  // Where time is real, what waits does so side by side; each sentence has queues and instances of its own.
  const waits = emulator !== 'fakes' && ['sqs', 'ec2'].includes(suite.service);
  describe(`${suite.service}: ${suite.about}`, { concurrent: waits }, () => {
    for (const { says, check, differs } of suite.sentences) {
      const difference = differs[emulator];
      const run = async () => {
        const opened = bench();
        if (!opened) throw new Error('the bench could not be opened');
        await check(opened);
      };
      if (difference === undefined) test(says, run);
      else test.fails(`${says} (not here: ${difference})`, run);
    }
  });
}
