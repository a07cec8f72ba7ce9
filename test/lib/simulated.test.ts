/** The simulator's queues are those of the stack: by whichever of its numbers it could fool us. */
import { expect, test } from 'vitest';
import { functionNames } from '../../lambdas/runtime/env-names.ts';
import { deadLetterRetentionSeconds, deployedQueues } from '../simulator/deployed.ts';
import { awsStage, Synthesized, type Resource } from './synthesized.ts';

const { stack, defib } = awsStage();
const synthesized = new Synthesized(stack);
const workQueues = {
  reprobe: defib.judging.reprobes,
  restart: defib.restarting.restarts,
  parked: defib.parking.parked,
  deliveries: defib.parking.deliveries,
};

function queueAt(arn: string): Record<string, unknown> {
  const id = (stack.resolve(arn) as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0];
  const queues = synthesized.template.findResources('AWS::SQS::Queue') as Record<string, Resource>;
  return queues[id]?.Properties ?? {};
}

function sourceOf(arn: string): Record<string, unknown> {
  const [source] = synthesized
    .resources('AWS::Lambda::EventSourceMapping')
    .filter(({ Properties }) => JSON.stringify(Properties['EventSourceArn']) === synthesized.text(arn));
  return source?.Properties ?? {};
}

test.each(Object.entries(workQueues))('the simulated %s queue is as it is deployed', (name, workQueue) => {
  const { queue, deadLetters } = workQueue;
  const simulated = deployedQueues[name as keyof typeof workQueues];
  const deployed = queueAt(queue.queueArn);
  const source = sourceOf(queue.queueArn);
  const workedBy = JSON.stringify(source['FunctionName']);
  expect({
    fifo: deployed['FifoQueue'] ?? false,
    visibilitySeconds: deployed['VisibilityTimeout'],
    retentionSeconds: deployed['MessageRetentionPeriod'],
    maxReceiveCount: (deployed['RedrivePolicy'] as { maxReceiveCount: number }).maxReceiveCount,
    worker: functionNames.find(
      (each) => synthesized.text(defib.functions[each].lambda.functionName) === workedBy,
    ),
    batchSize: source['BatchSize'],
    maxConcurrency: (source['ScalingConfig'] as { MaximumConcurrency: number }).MaximumConcurrency,
  }).toEqual(simulated);
  expect(queueAt(deadLetters.queueArn)['MessageRetentionPeriod']).toBe(deadLetterRetentionSeconds);
});
