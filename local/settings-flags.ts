/** Every policy setting as a command-line flag: `--settle-seconds 5`. The demo takes the same flags. */
import { InvalidArgumentError, Option, type Command } from 'commander';

import {
  defaultSettings,
  settingNames,
  settingsProblems,
  settingTable,
  type PolicySettings,
  type SettingName,
} from '../core/policy.ts';
import { LocalError } from './local-error.ts';

/** `settleSeconds` -> `--settle-seconds`. */
export const flagOf = (name: SettingName): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export function addSettingFlags(command: Command): Command {
  for (const name of settingNames) command.addOption(optionFor(name));
  return command;
}

/** The settings among the parsed options that somebody gave; throws when they cannot be used. */
export function settingsFrom(options: Readonly<Record<string, unknown>>): Partial<PolicySettings> {
  const given = settingNames.filter((name) => options[name] !== undefined);
  const settings = Object.fromEntries(given.map((name) => [name, options[name]])) as Partial<PolicySettings>;
  const problems = settingsProblems({ ...defaultSettings, ...settings });
  if (problems.length > 0) throw new LocalError(problems.join('; '));
  return settings;
}

function optionFor(name: SettingName): Option {
  const setting = settingTable[name];
  if (setting.kind === 'flag') return new Option(flagOf(name), setting.meaning);
  if (setting.kind === 'choice') {
    const option = new Option(`${flagOf(name)} <choice>`, `${setting.meaning} (default ${setting.default})`);
    return option.choices(setting.choices);
  }
  const bounds = `${setting.minimum} to ${setting.maximum}, default ${setting.default}`;
  const nullable = 'nullable' in setting && setting.nullable;
  const text = `${setting.meaning} (${bounds}${nullable ? ', or never' : ''})`;
  return new Option(`${flagOf(name)} <n>`, text).argParser((given) =>
    nullable && given === 'never' ? null : parseNumber(given),
  );
}

/** A plain number; whether it can be used is the policy's to say. */
export function parseNumber(text: string): number {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('Expected a number.');
  return Number(text);
}
