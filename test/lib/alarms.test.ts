import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Stack } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import { functionNames } from '../../lambdas/runtime/env-names.ts';
import { runbookEntries } from '../../lib/alarms.ts';
import { packageRoot } from '../../lib/package-root.ts';
import { awsStage, localStage, Synthesized } from './synthesized.ts';

const topic = (name: string) =>
  Topic.fromTopicArn(new Stack(), name, `arn:aws:sns:eu-west-1:111122223333:${name}`);
const { stack, defib } = awsStage({
  alarmActions: { page: new SnsAction(topic('page')), ticket: new SnsAction(topic('ticket')) },
});
const synthesized = new Synthesized(stack);
const alarms = synthesized.resources('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties);
const about = (metric: string) => alarms.filter(({ MetricName }) => MetricName === metric);

test('a message is given up - somebody is told, whichever queue it was of', () => {
  const queues = [
    defib.judging.reprobes,
    defib.restarting.restarts,
    defib.parking.parked,
    defib.parking.deliveries,
    defib.instanceChanges,
  ];
  expect(
    about('ApproximateNumberOfMessagesVisible')
      .map(({ Dimensions }) => JSON.stringify(Dimensions))
      .sort(),
  ).toEqual(
    queues
      .map(({ deadLetters }) => `[{"Name":"QueueName","Value":${synthesized.text(deadLetters.queueName)}}]`)
      .sort(),
  );
});

test('a function fails - a ticket is written, whichever it was', () => {
  expect(
    about('Errors')
      .map(({ Dimensions }) => JSON.stringify(Dimensions))
      .sort(),
  ).toEqual(
    functionNames
      .map((name) => synthesized.text(defib.functions[name].lambda.functionName))
      .map((name) => `[{"Name":"FunctionName","Value":${name}}]`)
      .sort(),
  );
});

test.each([
  ['RestartFailed', 'page', ['restart', 'sweep']],
  ['WorkspaceQuarantined', 'page', ['reprobe', 'restart', 'sweep']],
  ['StuckStopping', 'page', ['restart']],
  ['WorkspaceStuck', 'page', ['forward-error', 'reprobe']],
  ['AgentMute', 'ticket', ['forward-error', 'reprobe']],
  ['RestartHeldBack', 'ticket', ['restart']],
  ['RestartUnjustified', 'ticket', ['restart', 'sweep']],
  ['WorkspaceGone', 'ticket', ['reprobe', 'restart', 'sweep']],
])('%s is counted once - %s', (metric, severity, functions) => {
  const found = about(metric);
  expect(found.map(({ Dimensions }) => Dimensions)).toEqual(
    functions.map((Value) => [{ Name: 'service', Value }]),
  );
  for (const alarm of found) {
    expect(alarm).toMatchObject({
      Namespace: 'Defib',
      Threshold: 1,
      AlarmActions: [expect.stringContaining(severity)],
    });
  }
});

test('every runbook entry that an alarm may name is there, with its three parts', () => {
  const runbook = readFileSync(path.join(packageRoot(), 'docs', 'runbook.md'), 'utf8');
  const sections = runbook.split(/^## /m).slice(1);
  const entryOf = (section: string) => (section.split('\n')[0] ?? '').toLowerCase().replaceAll(' ', '-');
  for (const entry of runbookEntries) {
    const section = sections.find((text) => entryOf(text) === entry) ?? '';
    for (const part of ['**Description.**', '**Investigation.**', '**Resolution.**'])
      expect(section, entry).toContain(part);
  }
});

test('the sweep does not run for five minutes - somebody is paged, even if nothing at all is reported', () => {
  expect(about('Invocations')).toMatchObject([
    { Period: 300, Threshold: 1, ComparisonOperator: 'LessThanThreshold', TreatMissingData: 'breaching' },
  ]);
});

test.each([
  ['requests could not be kept', 'ParkingFailed', 'forward-error', 'page'],
  ['facts cannot be true at the first look', 'FactsInDoubt', 'forward-error', 'ticket'],
  ['facts cannot be true at the second look', 'FactsInDoubt', 'reprobe', 'ticket'],
  ['nobody receives what is parked', 'ParkedSilent', 'sweep', 'page'],
  ['messages have vanished', 'BodyLost', 'sweep', 'page'],
  ['a request was given up', 'RequestDeadLettered', 'deliver', 'ticket'],
  ['requests wait for a hand', 'DeliveryTooLate', 'deliver', 'ticket'],
  ['the brake is open', 'BrakeOpen', 'sweep', 'page'],
  ['the brake cannot be read', 'BrakeUnreadable', 'sweep', 'page'],
])('%s - the metric %s of %s raises a %s', (_what, metric, name, severity) => {
  const isOfIt = ({ Dimensions }: { Dimensions?: unknown }) =>
    JSON.stringify(Dimensions).includes(`"${name}"`);
  expect(about(metric).filter(isOfIt)).toMatchObject([
    {
      Namespace: 'Defib',
      Dimensions: [{ Name: 'service', Value: name }],
      Threshold: 1,
      AlarmDescription: expect.stringContaining(`Severity: ${severity}.`) as string,
    },
  ]);
});

test('an alarm tells whom its severity says, and where the runbook is', () => {
  for (const { AlarmDescription, AlarmActions } of alarms) {
    const [, severity = '', entry = ''] =
      /Severity: (\w+)\. Runbook: docs\/runbook\.md#([\w-]+)$/.exec(AlarmDescription as string) ?? [];
    expect(AlarmActions).toEqual([`arn:aws:sns:eu-west-1:111122223333:${severity}`]);
    expect(runbookEntries).toContain(entry);
  }
});

test('on the local stage there is nobody to tell, and no alarm', () => {
  expect(new Synthesized(localStage().stack).resources('AWS::CloudWatch::Alarm')).toEqual([]);
});

/** The metrics of an alarm that adds up several: what, and of which function or queue. */
const addedUp = (id: string) => {
  const found = alarms.filter(({ Metrics }) => JSON.stringify(Metrics ?? '').includes(`"${id}"`));
  return found.map((alarm) => ({
    alarm,
    parts: (alarm.Metrics as { MetricStat?: { Metric: { MetricName: string; Dimensions: unknown } } }[])
      .flatMap(({ MetricStat }) => (MetricStat ? [MetricStat.Metric] : []))
      .map(
        ({ MetricName, Dimensions }) =>
          `${MetricName} ${/"Value":"([a-z-]+)"/.exec(JSON.stringify(Dimensions))?.[1] ?? 'of AWS'}`,
      )
      .sort(),
  }));
};

test.each([
  ['CallFailed', 'ticket', 5, ['forward-error', 'heartbeat', 'lookup', 'operate']],
  ['MessageFailed', 'ticket', 3, ['deliver', 'receive', 'reprobe', 'restart']],
  ['BatchFailed', 'ticket', 3, ['deliver', 'receive', 'reprobe', 'restart']],
  ['ReprobeNotSent', 'ticket', 3, ['forward-error']],
  ['SweepRowFailed', 'ticket', 3, ['sweep']],
  ['SweepClockUnsure', 'page', 3, ['sweep']],
  ['EventNotPublished', 'ticket', 1, ['deliver', 'forward-error', 'operate', 'reprobe', 'restart', 'sweep']],
])(
  '%s is counted by any function - one %s tells of it, from %i in five minutes on',
  (metric, severity, most, names) => {
    const [found, ...more] = addedUp(metric);
    expect(more).toEqual([]);
    expect(found?.parts.filter((part) => part.startsWith(`${metric} `))).toEqual(
      names.map((name) => `${metric} ${name}`),
    );
    expect(found?.alarm).toMatchObject({
      Threshold: most,
      TreatMissingData: 'notBreaching',
      AlarmActions: [expect.stringContaining(severity)],
    });
  },
);

test('no alarm adds up more than CloudWatch lets it: ten metrics', () => {
  for (const { Metrics } of alarms)
    expect(((Metrics as unknown[] | undefined) ?? []).length).toBeLessThanOrEqual(10);
});

test('the sweep fails again and again, or does nothing by its clock - somebody is paged by one alarm for both', () => {
  expect(addedUp('SweepClockUnsure').map(({ parts }) => parts)).toEqual([
    ['Errors of AWS', 'SweepClockUnsure sweep'],
  ]);
});

test('three of five sweeps leave work undone - a ticket is written', () => {
  expect(about('SweepBehind')).toMatchObject([
    {
      Namespace: 'Defib',
      Dimensions: [{ Name: 'service', Value: 'sweep' }],
      Period: 300,
      Threshold: 3,
      TreatMissingData: 'notBreaching',
      AlarmActions: [expect.stringContaining('ticket')],
    },
  ]);
});

test('the parked queue holds half of what SQS looks through for a group - a ticket is written', () => {
  const found = addedUp('ApproximateNumberOfMessagesNotVisible');
  expect(found).toMatchObject([
    { alarm: { Threshold: 60_000, AlarmActions: [expect.stringContaining('ticket')] } },
  ]);
  expect(JSON.stringify(found[0]?.alarm.Metrics)).toContain(
    synthesized.text(defib.parking.parked.queue.queueName).slice(1, -1),
  );
});
