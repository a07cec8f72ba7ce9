/**
 * What the sweep told of a restart's end paged nobody: it counts under its own name, and the alarms watched the restart
 * function alone.
 */
import { expect, it } from 'vitest';
import { restartOutcomes } from '../../core/restart.ts';
import { tellEnd } from '../../lambdas/restart/tell.ts';
import { quietLog, stoppedClock, NOW_MS } from '../lambdas/mocked-aws.ts';
import { awsStage, Synthesized } from '../lib/synthesized.ts';

/** All that is counted of an end, whoever tells it. */
async function counts(): Promise<string[]> {
  const log = quietLog();
  for (const outcome of restartOutcomes) {
    for (const label of ['justified', 'unjustified', 'unknown'] as const) {
      const record = {
        token: 't',
        reason: 'stopped',
        sinceMs: 0,
        endedAtMs: NOW_MS,
        outcome,
        because: 'mute',
        label,
      };
      await tellEnd(
        {
          log,
          clock: stoppedClock(),
          events: { publish: () => Promise.resolve(true) },
          restartEnds: {
            untold: () => Promise.resolve(undefined),
            told: () => Promise.resolve(),
            tellLater: () => Promise.resolve(),
          },
        },
        { workspaceId: 'ws-1', instanceId: 'i-1', quarantined: true, record },
      );
    }
  }
  return [...new Set(log.counted)];
}

it('the sweep tells of an end what restart did not - the alarms are the same', async () => {
  const alarms = new Synthesized(awsStage().stack).resources('AWS::CloudWatch::Alarm');
  const watched = (service: string, counted: readonly string[]) =>
    alarms
      .map(({ Properties }) => Properties)
      .filter(
        ({ Dimensions }) =>
          JSON.stringify(Dimensions) === JSON.stringify([{ Name: 'service', Value: service }]),
      )
      .map(({ MetricName }) => String(MetricName))
      .filter((metric) => counted.includes(metric))
      .sort();
  const counted = await counts();
  expect(watched('restart', counted)).toEqual([
    'RestartFailed',
    'RestartUnjustified',
    'WorkspaceGone',
    'WorkspaceQuarantined',
  ]);
  expect(watched('sweep', counted)).toEqual(watched('restart', counted));
});
