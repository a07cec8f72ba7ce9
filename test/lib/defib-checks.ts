import type { CfnResource } from 'aws-cdk-lib';
import { CfnDeletionPolicy, Stack } from 'aws-cdk-lib';
import { CfnGlobalTable } from 'aws-cdk-lib/aws-dynamodb';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { CfnKey } from 'aws-cdk-lib/aws-kms';
import { CfnEventSourceMapping, CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { NagMessageLevel, NagPack, NagRuleCompliance, NagRules, type NagRuleResult } from 'cdk-nag';

type Rule = (node: CfnResource) => NagRuleResult;

const fourteenDays = 14 * 86_400;
/** architecture.md, section 7: where waiting is no failure 1,000 receives, and 20 for a second look. */
const allowedReceives = [20, 1_000];

const judged = (isRight: boolean) =>
  isRight ? NagRuleCompliance.COMPLIANT : NagRuleCompliance.NON_COMPLIANT;

/** The functions that work through a queue. */
function workersOf(queue: CfnQueue): CfnFunction[] {
  const all = Stack.of(queue).node.findAll();
  const id = (value: unknown) => NagRules.resolveResourceFromIntrinsic(queue, value) as unknown;
  const queueId = id(queue.ref);
  const sources = all.filter((it) => it instanceof CfnEventSourceMapping);
  const names = sources
    .filter(({ eventSourceArn }) => id(eventSourceArn) === queueId)
    .map(({ functionName }) => id(functionName));
  return all.filter((it) => it instanceof CfnFunction).filter(({ ref }) => names.includes(id(ref)));
}

const redrive = (queue: CfnQueue) =>
  Stack.of(queue).resolve(queue.redrivePolicy) as { maxReceiveCount: number } | undefined;

/** Whether somebody gives up messages to this queue: another queue, a function, or a rule. */
function isDeadLetters(queue: CfnQueue): boolean {
  const stack = Stack.of(queue);
  const id = `"${stack.getLogicalId(queue)}"`;
  const givers = stack.node.findAll().flatMap((it): unknown[] => {
    if (it instanceof CfnQueue) return [redrive(it)];
    if (it instanceof CfnFunction) return [stack.resolve(it.deadLetterConfig)];
    return it instanceof CfnRule ? [stack.resolve(it.targets)] : [];
  });
  // A rule's target is named by the same means as its dead letters; none of ours is a queue.
  return givers.some((given) => JSON.stringify(given ?? '').includes(id));
}

const rules: Record<string, { says: string; rule: Rule }> = {
  VisibilityForSixTimeouts: {
    says: 'A message is hidden for at least six times as long as its function may run, as AWS advises.',
    rule: (node) => {
      if (!(node instanceof CfnQueue)) return NagRuleCompliance.NOT_APPLICABLE;
      const longest = Math.max(0, ...workersOf(node).map(({ timeout = 3 }) => timeout));
      return judged((node.visibilityTimeout ?? 30) >= 6 * longest);
    },
  },
  ReceivesBeforeDeath: {
    says: 'A message is given up after 20 receives, or 1,000 where it waits by visibility.',
    rule: (node) => {
      const policy = node instanceof CfnQueue ? redrive(node) : undefined;
      if (policy === undefined) return NagRuleCompliance.NOT_APPLICABLE;
      return judged(allowedReceives.includes(policy.maxReceiveCount));
    },
  },
  DeadLettersForTwoWeeks: {
    says: 'Dead letters are kept for 14 days, the most there is.',
    rule: (node) => {
      if (!(node instanceof CfnQueue) || !isDeadLetters(node)) return NagRuleCompliance.NOT_APPLICABLE;
      return judged(node.messageRetentionPeriod === fourteenDays);
    },
  },
  KeptWithTheStackGone: {
    says: 'The table, the queues and the key stay when the stack goes, or replaces them.',
    rule: (node) => {
      if (!(node instanceof CfnQueue || node instanceof CfnGlobalTable || node instanceof CfnKey))
        return NagRuleCompliance.NOT_APPLICABLE;
      const { deletionPolicy, updateReplacePolicy } = node.cfnOptions;
      return judged([deletionPolicy, updateReplacePolicy].every((it) => it === CfnDeletionPolicy.RETAIN));
    },
  },
  ProtectedFromDeletion: {
    says: 'Nobody can delete the table by mistake.',
    rule: (node) => {
      if (!(node instanceof CfnGlobalTable)) return NagRuleCompliance.NOT_APPLICABLE;
      const replicas = Stack.of(node).resolve(node.replicas) as { deletionProtectionEnabled?: boolean }[];
      return judged(replicas.every((it) => it.deletionProtectionEnabled === true));
    },
  },
  LogsEnd: {
    says: 'Logs are kept for a stated time.',
    rule: (node) =>
      node instanceof CfnLogGroup
        ? judged(node.retentionInDays !== undefined)
        : NagRuleCompliance.NOT_APPLICABLE,
  },
};

/** Defib's own rules, in the form of cdk-nag: found, or accepted with a reason, in the same way as all others. */
export class DefibChecks extends NagPack {
  readonly name = 'Defib';

  constructor() {
    super();
    this.packName = 'Defib';
  }

  protected checkResource(node: CfnResource): void {
    for (const [ruleSuffixOverride, { says, rule }] of Object.entries(rules)) {
      this.applyRule({
        ruleSuffixOverride,
        info: says,
        explanation: says,
        level: NagMessageLevel.ERROR,
        node,
        rule,
      });
    }
  }
}
