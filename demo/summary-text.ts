/** The table at the end, and below it each story with its reason. */
import Table from 'cli-table3';

import type { Paint } from './paint.ts';
import { isGood, type Tally } from './tally.ts';

type Row = Pick<
  Tally['summary'],
  'sent' | 'delivered' | 'parked' | 'refused' | 'lost' | 'restartsJustified' | 'restartsUnjustified'
>;

const columns = [
  'workspace',
  'sent',
  'parked\nmeanwhile',
  'delivered',
  'refused',
  'lost',
  'restarts\njustified',
  'restarts\nunjustified',
  'story',
];

export function summaryText(tally: Tally, paint: Paint): string {
  const { summary, workspaces, lost } = tally;
  const table = new Table({
    head: columns.map((column) =>
      column
        .split('\n')
        .map((line) => paint('bold', line))
        .join('\n'),
    ),
    // Our own colours, or none.
    style: { head: [], border: [], compact: true },
    colAligns: ['left', ...columns.slice(2).map(() => 'right' as const), 'left'],
  });
  for (const workspace of workspaces) {
    const story = summary.stories.find(({ name }) => name === workspace.workspaceId);
    table.push(rowOf(workspace.workspaceId, workspace, story ? verdictWord(story.ok, paint) : '', paint));
  }
  table.push(rowOf('all', summary, verdictWord(isGood(summary), paint), paint));
  return [
    table.toString(),
    '',
    ...summary.stories.map(
      ({ name, ok, why }) => `${paint('bold', name.padEnd(16))} ${verdictWord(ok, paint)}  ${why}`,
    ),
    ...repeatedLines(workspaces),
    ...lost.map(({ id, why }) => `${paint('red', 'lost')} ${id}: ${why}`),
    '',
    verdictOnAll(summary, paint),
  ].join('\n');
}

function rowOf(name: string, row: Row, story: string, paint: Paint): string[] {
  const bad = (count: number): string => (count === 0 ? '0' : paint('red', String(count)));
  return [
    name,
    String(row.sent),
    String(row.parked),
    String(row.delivered),
    String(row.refused),
    bad(row.lost),
    String(row.restartsJustified),
    bad(row.restartsUnjustified),
    story,
  ];
}

function verdictWord(ok: boolean, paint: Paint): string {
  return ok ? paint('green', 'ok') : paint('red', 'FAILED');
}

/** At least once is the promise; the agent's memory makes it once. */
function repeatedLines(workspaces: Tally['workspaces']): string[] {
  const repeated = workspaces.reduce((sum, workspace) => sum + workspace.repeated, 0);
  if (repeated === 0) return [];
  const [requests, them] = repeated === 1 ? ['1 request', 'it'] : [`${repeated} requests`, 'them'];
  return [
    `${requests} reached an agent that had done the work already: it knew ${them} by the idempotency key.`,
  ];
}

function verdictOnAll(summary: Tally['summary'], paint: Paint): string {
  if (isGood(summary)) {
    return paint(
      'green',
      'Nothing lost, nobody restarted who lived, and who was dead was restarted. All stories ok.',
    );
  }
  const failed = summary.stories.filter(({ ok }) => !ok).map(({ name }) => name);
  const problems = [
    ...(summary.lost > 0 ? [`${summary.lost} requests lost`] : []),
    ...(summary.restartsUnjustified > 0 ? [`${summary.restartsUnjustified} unjustified restarts`] : []),
    ...(failed.length > 0 ? [`stories failed: ${failed.join(', ')}`] : []),
    ...(summary.stories.length === 0 ? ['no story was played'] : []),
  ];
  return paint('red', `FAILED: ${problems.join('; ')}.`);
}
