/** What must have been seen (V12), by which rows of the fault matrix are shown, and how often each was. */
import { verdictTable } from '../../core/judge.ts';
import { claimSteps } from '../../core/workspace.ts';
import { invariantsText } from './invariants.ts';

/**
 * Rows of the fault matrix that the simulator shows, each by what is counted when it happens; the most telling thing
 * where several belong to it. The other rows each have a test of their own, by their number.
 */
export const faultRows: Readonly<Record<number, string>> = {
  1: 'call twice',
  2: 'answer busy probe-shared',
  3: 'verdict busy heartbeat-fresh',
  4: 'second look alive',
  5: 'second look inconclusive',
  6: 'verdict busy probe-inconclusive',
  7: 'absentProbe',
  10: 'verdict busy booting',
  11: 'verdict busy stopping',
  12: 'gone',
  13: 'staleProbe',
  14: 'message twice',
  16: 'message late',
  17: 'message vanished',
  19: 'verdict busy claim-lost',
  20: 'act start on running',
  21: 'call dynamo crashBefore',
  22: 'claim resumed',
  24: 'a repeat meets what it has done',
  25: 'call dynamo throttled',
  26: 'metric ClaimLost',
  28: 'metric StartWithoutCapacity',
  29: 'actThrottled',
  30: 'call power lost',
  31: 'actDenied',
  33: 'event restart.failed',
  34: 'mute agent met',
  38: 'ordered',
  39: 'personStops',
  40: 'settled',
  41: 'replaced',
  43: 'metric StrangerMet',
  44: 'clock skewed',
  45: 'clock lags after a thaw',
  47: 'beatLate',
  49: 'ec2Down',
  50: 'dynamoDown',
  51: 'metric ParkingFailed',
  52: 'call sqs lost',
  54: 'second copy',
  57: 'request refused status-404',
  59: 'message not deleted',
  60: 'request expired expired',
  61: 'metric MessageSetAside',
  66: 'invocation crash',
  67: 'call dynamo frozen',
  68: 'kept what is unknown',
  69: 'newerVersion',
  70: 'TTL removes',
  71: 'stale read',
  72: 'brake opened by deaths',
  74: 'liar',
  76: 'event workspace.quarantined',
  79: 'metric BodyLost',
  81: 'answer lost',
  82: 'cutFromProxy',
  84: 'sweep twice',
  85: 'five faults at once',
};

/** The rows that are shown by a test with their number, since the simulator has nothing of the kind. */
export const rowsWithTests: readonly number[] = [
  8, 9, 15, 18, 23, 27, 32, 35, 36, 37, 42, 46, 48, 53, 55, 56, 58, 62, 63, 64, 65, 73, 75, 77, 78, 80, 83,
];

/** What must be seen in a night, each more than once (V12). */
export const goals: readonly string[] = [
  ...Object.keys(verdictTable)
    .filter((rule) => rule !== '4b-look')
    .map((rule) => `rule ${rule}`),
  'rule 11-dead',
  'verdict alive running',
  'verdict dead stopped',
  'verdict dead silent',
  'verdict dead terminated',
  'request delivered',
  'request expired expired',
  'request cancelled',
  'request refused ambiguous',
  'request dead-lettered body-lost',
  'brake closed',
  'claim resumed',
  'second copy',
  'capacity wait jittered',
  'capacity given up',
  'told: workspace stuck',
  'told: instance stuck in stopping',
  'one look for a batch',
  'item of a newer version',
  'dead letter newer',
  ...claimSteps
    .filter((step) => step !== 'awaiting-approval' && step !== 'awaiting-admission')
    .map((step) => `claim step ${step}`),
];

export interface Seen {
  readonly what: string;
  readonly count: number;
}

export function seenRows(counts: ReadonlyMap<string, number>): (Seen & { readonly row: number })[] {
  return Object.entries(faultRows).map(([row, what]) => ({
    row: Number(row),
    what,
    count: counts.get(what) ?? 0,
  }));
}

export function coverageText(counts: ReadonlyMap<string, number>): string {
  const number = (count: number): string => String(count).padStart(9);
  return [
    'Rows of the fault matrix that were shown, and how often:',
    ...seenRows(counts).map(({ row, what, count }) => `${number(count)}  ${String(row).padStart(2)} ${what}`),
    `Rows with a test of their own: ${rowsWithTests.join(', ')}`,
    invariantsText(),
    'Goals:',
    ...goals.map((goal) => `${number(counts.get(goal) ?? 0)}  ${goal}`),
    'Everything:',
    ...[...counts]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([what, count]) => `${number(count)}  ${what}`),
  ].join('\n');
}
