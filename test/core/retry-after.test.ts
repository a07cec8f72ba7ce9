import { describe, expect, it } from 'vitest';
import { retryAfterOf } from '../../core/retry-after.ts';

const NOW_MS = Date.parse('2026-11-24T12:00:00Z');

describe('what an agent asks for by Retry-After', () => {
  it.each([
    ['nothing', {}, undefined],
    ['a number', { 'retry-after': '7' }, 7],
    ['a number of several digits', { 'retry-after': '120' }, 120],
    ['a number with blanks around it', { 'retry-after': ' 7 ' }, 7],
    ['zero', { 'retry-after': '0' }, undefined],
    [
      'a date, by its own clock',
      { 'retry-after': 'Tue, 24 Nov 2026 11:00:30 GMT', date: 'Tue, 24 Nov 2026 11:00:00 GMT' },
      30,
    ],
    ['a date, and says not what time it is there', { 'retry-after': 'Tue, 24 Nov 2026 12:00:45 GMT' }, 45],
    [
      'a date, and tells no time by its own',
      { 'retry-after': 'Tue, 24 Nov 2026 12:00:45 GMT', date: 'noon' },
      45,
    ],
    ['a date that has passed', { 'retry-after': 'Tue, 24 Nov 2026 11:59:59 GMT' }, undefined],
    ['a day that there is not', { 'retry-after': 'Tue, 99 Nov 2026 12:00:45 GMT' }, undefined],
    ['less than nothing', { 'retry-after': '-5' }, undefined],
    ['a fraction', { 'retry-after': '1.5' }, undefined],
    ['another form of date', { 'retry-after': '2026-11-24T12:00:45Z' }, undefined],
    ['a date with something before it', { 'retry-after': 'x Tue, 24 Nov 2026 12:00:45 GMT' }, undefined],
    ['a date with something behind it', { 'retry-after': 'Tue, 24 Nov 2026 12:00:45 GMT x' }, undefined],
    ['a date of another zone than GMT', { 'retry-after': 'Tue, 24 Nov 2026 14:00:45 GMT+0100' }, undefined],
    ['a number with something before it', { 'retry-after': 'x7' }, undefined],
    ['a number with something behind it', { 'retry-after': '7x' }, undefined],
  ])('%s', (_what, headers, seconds) => {
    expect(retryAfterOf(headers, NOW_MS)).toBe(seconds);
  });
});
