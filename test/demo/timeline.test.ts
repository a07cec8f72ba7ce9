import { describe, expect, it } from 'vitest';

import { noPaint, type Style } from '../../demo/paint.ts';
import { reportText, toneOf } from '../../demo/report-text.ts';
import { timelineLine } from '../../demo/timeline-line.ts';
import type { TimelineEvent } from '../../demo/happening.ts';
import { Timeline } from '../../demo/timeline.ts';
import { windowsInWords } from '../../demo/windows.ts';

const event: TimelineEvent = { atSeconds: 12.3, workspaceId: 'long-turn', kind: 'agent', text: 'up' };

describe('a line of the timeline', () => {
  it('has time, workspace, speaker and text in columns', () => {
    expect(timelineLine(event, noPaint)).toBe('  12.3s  long-turn        agent     up');
    const other = timelineLine({ atSeconds: 101, kind: 'demo', text: 'up' }, noPaint);
    expect(other).toBe(' 101.0s                   demo      up');
  });

  it('the tone colours the text and changes no word', () => {
    const styles: Style[] = [];
    const line = timelineLine({ ...event, tone: 'bad' }, (style, text) => {
      styles.push(style);
      return text;
    });
    expect(line).toBe(timelineLine(event, noPaint));
    expect(styles).toContain('red');
  });
});

describe('the timeline', () => {
  it('stamps what is said with the seconds since it began', () => {
    const events: TimelineEvent[] = [];
    const timeline = new Timeline({ event: (it) => void events.push(it), summary: () => {} });
    timeline.say({ kind: 'demo', text: 'hello' });
    expect(events).toEqual([{ kind: 'demo', text: 'hello', atSeconds: expect.any(Number) as number }]);
    expect(events[0]?.atSeconds).toBeLessThan(1);
  });
});

describe("Defib's answer in words", () => {
  it.each([
    [
      { status: 202, code: 'parked', verdict: 'busy', reason: 'heartbeat-fresh' },
      'refused -> 202 parked: busy, heartbeat-fresh',
    ],
    [
      { status: 202, code: 'pending', verdict: 'pending', reason: 'suspect' },
      'refused -> 202 pending: suspect',
    ],
    [
      { status: 503, code: 'dead', verdict: 'dead', reason: 'stopped', restarting: true },
      'refused -> 503 dead: stopped, restarting',
    ],
    [{ status: 429, code: 'parked-full' }, 'refused -> 429 parked-full'],
  ])('%o', (answer, text) => {
    expect(reportText({ kind: 'refused' }, answer)).toBe(text);
  });

  it('names the status of an upstream failure', () => {
    expect(reportText({ kind: 'upstream', status: 504 }, { status: 502, code: 'upstream-error' })).toBe(
      'upstream 504 -> 502 upstream-error',
    );
  });

  it.each([
    [{ status: 202, code: 'parked' }, 'doubt'],
    [{ status: 503, code: 'dead', verdict: 'dead' }, 'bad'],
    [{ status: 503, code: 'agent-restarting', verdict: 'alive' }, 'plain'],
  ])('%o - tone %s', (answer, tone) => {
    expect(toneOf(answer)).toBe(tone);
  });
});

describe('the windows in words', () => {
  it('names what differs from the defaults, with both values', () => {
    expect(windowsInWords({ settleSeconds: 5, freshSeconds: 15 })).toBe('settleSeconds 5 (not 60)');
    expect(windowsInWords({})).toBe('all windows at their defaults');
  });
});
