import { describe, expect, it } from 'vitest';

import { noPaint, type Paint } from '../../demo/paint.ts';
import { summaryText } from '../../demo/summary-text.ts';
import type { Tally } from '../../demo/tally.ts';

const counts = {
  sent: 40,
  delivered: 38,
  parked: 12,
  refused: 2,
  lost: 0,
  restartsJustified: 1,
  restartsUnjustified: 0,
};
const tally = (changes: Partial<Tally> = {}): Tally => ({
  summary: { ...counts, stories: [{ name: 'really-dead', ok: true, why: 'one Start and no Stop' }] },
  workspaces: [{ workspaceId: 'really-dead', ...counts, repeated: 0 }],
  lost: [],
  ...changes,
});
const cells = (line: string): string[] =>
  line
    .split('│')
    .slice(1, -1)
    .map((cell) => cell.trim());

describe('the table', () => {
  it('has a row for each workspace and one for all, under its heads', () => {
    const rows = summaryText(tally(), noPaint)
      .split('\n')
      .filter((line) => line.startsWith('│'))
      .map(cells);
    expect(rows).toEqual([
      ['workspace', 'sent', 'parked', 'delivered', 'refused', 'lost', 'restarts', 'restarts', 'story'],
      ['', '', 'meanwhile', '', '', '', 'justified', 'unjustified', ''],
      ['really-dead', '40', '12', '38', '2', '0', '1', '0', 'ok'],
      ['all', '40', '12', '38', '2', '0', '1', '0', 'ok'],
    ]);
  });

  it('keeps its columns in line when it is coloured', () => {
    const ansi: Paint = (_style, text) => `\u001B[31m${text}\u001B[39m`;
    // eslint-disable-next-line no-control-regex -- the escape is what is looked for
    const plain = summaryText(tally(), ansi).replaceAll(/\u001B\[\d+m/g, '');
    expect(plain).toBe(summaryText(tally(), noPaint));
  });

  it('tells each story with its reason', () => {
    expect(summaryText(tally(), noPaint)).toContain('really-dead      ok  one Start and no Stop');
  });
});

describe('the last line', () => {
  const lastLine = (changes: Partial<Tally>): string =>
    summaryText(tally(changes), noPaint).split('\n').at(-1) ?? '';

  it('all is well - says so', () => {
    expect(lastLine({})).toContain('All stories ok');
  });

  it('something is wrong - names everything that is', () => {
    const { summary } = tally();
    const line = lastLine({
      summary: {
        ...summary,
        lost: 2,
        restartsUnjustified: 1,
        stories: [{ name: 'long-turn', ok: false, why: 'expected busy, got dead' }],
      },
    });
    expect(line).toBe('FAILED: 2 requests lost; 1 unjustified restarts; stories failed: long-turn.');
  });

  it('a lost request is named with its reason', () => {
    const text = summaryText(tally({ lost: [{ id: 'r-7', why: 'nobody answered' }] }), noPaint);
    expect(text).toContain('lost r-7: nobody answered');
  });

  it('requests that came twice are mentioned, and only then', () => {
    const repeated = (count: number): string =>
      summaryText(tally({ workspaces: [{ workspaceId: 'long-turn', ...counts, repeated: count }] }), noPaint);
    expect(repeated(0)).not.toContain('reached an agent');
    expect(repeated(1)).toContain('1 request reached an agent that had done the work already: it knew it');
    expect(repeated(3)).toContain('3 requests reached');
  });
});
