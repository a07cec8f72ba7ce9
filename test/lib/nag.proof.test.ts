import { Duration } from 'aws-cdk-lib';
import type { CfnGlobalTable } from 'aws-cdk-lib/aws-dynamodb';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import type { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks, type NagPack } from 'cdk-nag';
import { describe, expect, test } from 'vitest';
import { DefibChecks } from './defib-checks.ts';
import { awsStage, localStage } from './synthesized.ts';

/** What a pack finds and nobody has accepted: each rule, and the construct. */
function found(pack: NagPack, scope: Parameters<NagPack['validateScope']>[0]): string[] {
  return pack
    .validateScope(scope)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath ?? '?'}`),
    );
}

describe.each([
  ['AWS Solutions', new AwsSolutionsChecks()],
  ['Serverless', new ServerlessChecks()],
  ['NIST 800-53 revision 5', new NIST80053R5Checks()],
  ['Defib', new DefibChecks()],
])('the rules of %s', (_name, pack) => {
  test.each(['customer-managed', 'aws-owned'] as const)(
    'are kept, or not with a reason, with keys %s',
    (encryptionKey) => {
      expect(found(pack, awsStage({ encryptionKey }).defib)).toEqual([]);
    },
  );
});

test("Defib's own rules are kept on the local stage too, or not with a reason", () => {
  expect(found(new DefibChecks(), localStage().defib)).toEqual([]);
});

test("each of Defib's own rules finds what breaks it", () => {
  const { defib } = awsStage();
  const of = (scope: { node: { defaultChild?: unknown } }) => scope.node.defaultChild;
  const { queue, deadLetters } = defib.judging.reprobes;
  (of(defib.judging.reprobe.lambda) as CfnFunction).timeout = Duration.minutes(1).toSeconds();
  for (const it of [deadLetters, defib.instanceChanges.deadLetters]) {
    (of(it) as CfnQueue).messageRetentionPeriod = Duration.days(4).toSeconds();
  }
  (of(queue) as CfnQueue).redrivePolicy = { deadLetterTargetArn: deadLetters.queueArn, maxReceiveCount: 3 };
  (of(queue) as CfnQueue).cfnOptions.deletionPolicy = undefined as never;
  (of(defib.state.table) as CfnGlobalTable).replicas = [{ region: 'x', deletionProtectionEnabled: false }];
  const logs = defib.judging.reprobe.node.findChild('Logs');
  (of(logs) as CfnLogGroup).retentionInDays = undefined;
  expect(
    found(new DefibChecks(), defib)
      .map((it) => it.replace(/^(\S+) at Stack\/Defib\/(.*)\/Resource$/, '$1 $2'))
      .sort(),
  ).toEqual([
    'Defib-DeadLettersForTwoWeeks InstanceChanges/DeadLetters',
    'Defib-DeadLettersForTwoWeeks Judging/Reprobes/DeadLetters',
    'Defib-KeptWithTheStackGone Judging/Reprobes/Queue',
    'Defib-LogsEnd Judging/Reprobe/Logs',
    'Defib-ProtectedFromDeletion State/Table',
    'Defib-ReceivesBeforeDeath Judging/Reprobes/Queue',
    'Defib-VisibilityForSixTimeouts Judging/Reprobes/Queue',
  ]);
});
