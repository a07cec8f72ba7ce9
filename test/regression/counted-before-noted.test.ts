/**
 * Counts went out when the invocation was over. One that ran into its time-out, because of another message of its batch,
 * took them along; the end of the restart was noted as told by then, so nobody was ever paged for it.
 */
import { afterEach, expect, it, vi } from 'vitest';
import { telemetry } from '../../lambdas/adapters/log.ts';
import { tellEnd } from '../../lambdas/restart/tell.ts';
import { NOW_MS, stoppedClock } from '../lambdas/mocked-aws.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Names of the metrics that have left the process. */
function outgoing(): string[] {
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Defib');
  const names: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((line) => {
    const { _aws: about } = JSON.parse(String(line)) as {
      _aws?: { CloudWatchMetrics: { Metrics: { Name: string }[] }[] };
    };
    for (const { Metrics } of about?.CloudWatchMetrics ?? []) names.push(...Metrics.map(({ Name }) => Name));
    return true;
  });
  return names;
}

it.each(['told', 'told later'])(
  'a restart has failed, and is noted as %s - its counts are out before that, whatever becomes of the invocation',
  async (noted) => {
    const names = outgoing();
    const { log } = telemetry();
    let outAtNote: string[] = [];
    const note = (): Promise<void> => {
      outAtNote = [...names];
      return Promise.resolve();
    };
    await tellEnd(
      {
        log,
        clock: stoppedClock(),
        events: { publish: () => Promise.resolve(noted === 'told') },
        restartEnds: { untold: () => Promise.resolve(undefined), told: note, tellLater: note },
      },
      {
        workspaceId: 'ws-1',
        instanceId: 'i-1',
        quarantined: true,
        record: {
          ...{ token: 't', reason: 'stopped', sinceMs: NOW_MS - 1000, endedAtMs: NOW_MS },
          ...{ outcome: 'failed', because: 'start-refused', label: 'unknown' },
        },
      },
    );
    expect(outAtNote).toEqual(['RestartUnknown', 'RestartFailed', 'WorkspaceQuarantined']);
  },
);
