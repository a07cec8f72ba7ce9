import { describe, expect, it } from 'vitest';

import { Findings } from '../../demo/findings.ts';
import type { TimelineEvent } from '../../demo/happening.ts';
import { Timeline } from '../../demo/timeline.ts';

function findings(): { found: Findings; events: TimelineEvent[] } {
  const events: TimelineEvent[] = [];
  const timeline = new Timeline({ event: (event) => void events.push(event), summary: () => {} });
  return { found: new Findings('long-turn', timeline), events };
}

describe('what a story has found out', () => {
  it('every fact holds - ok, and the reason is the facts', () => {
    const { found } = findings();
    found.expect('one probe', true, 1);
    found.expect('no restart', true, 0);
    expect(found.result).toEqual({ name: 'long-turn', ok: true, why: 'one probe; no restart' });
  });

  it('one fact does not hold - failed, and the reason is that one', () => {
    const { found, events } = findings();
    found.expect('one probe', true, 1);
    found.expect('no restart', false, '2 Starts');
    expect(found.result).toEqual({ name: 'long-turn', ok: false, why: 'expected no restart, got 2 Starts' });
    expect(events.at(-1)).toMatchObject({ kind: 'check', tone: 'bad', workspaceId: 'long-turn' });
  });

  it('it broke off - failed, whatever held before', () => {
    const { found } = findings();
    found.expect('one probe', true, 1);
    found.broke('the story broke off: no answer');
    expect(found.result).toMatchObject({ ok: false, why: 'the story broke off: no answer' });
  });

  it('nothing was found out - failed: a story that checks nothing shows nothing', () => {
    expect(findings().found.result).toMatchObject({ ok: false });
  });
});
