import { Command } from 'commander';
import { expect, test } from 'vitest';

import { settingNames } from '../../core/policy.ts';
import { addSettingFlags, flagOf, settingsFrom } from '../../local/settings-flags.ts';

function settingsOf(...args: string[]) {
  const command = addSettingFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  return settingsFrom(command.parse(args, { from: 'user' }).opts());
}

test('no flag - no setting: the defaults are not repeated', () => {
  expect(settingsOf()).toEqual({});
});

test('flags - become settings, numbers as numbers', () => {
  expect(settingsOf('--settle-seconds', '5', '--brake-share', '0.5', '--when-paused', 'refuse')).toEqual({
    settleSeconds: 5,
    brakeShare: 0.5,
    whenPaused: 'refuse',
  });
});

test('every setting - has its flag', () => {
  const command = addSettingFlags(new Command());
  expect(command.options.map(({ long }) => long)).toEqual(settingNames.map(flagOf));
});

test('a value out of bounds - is refused by name, with both numbers', () => {
  expect(() => settingsOf('--settle-seconds', '1')).toThrow(
    'Expected settleSeconds to be from 5 to 3600, got 1',
  );
});

test('good values that are impossible together - are refused', () => {
  expect(() => settingsOf('--evidence-seconds', '12', '--reprobe-seconds', '5')).toThrow(
    'Expected evidenceSeconds to be at least 3 x reprobeSeconds (15), got 12',
  );
});

test.each(['', 'five', '5s', '0x10', '1e3', 'Infinity'])('"%s" - is no number', (text) => {
  expect(() => settingsOf('--settle-seconds', text)).toThrow('Expected a number.');
});
