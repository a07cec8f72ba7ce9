import {
  defaultSettings,
  settingNames,
  settingsProblems,
  type PolicySettings,
  type SettingName,
} from '../core/policy.ts';
import { ConfigurationError } from './configuration-error.ts';

/**
 * The fleet's settings: the defaults with the user's own on top.
 *
 * @throws ConfigurationError that lists all that is wrong, so that a bad policy fails at synth and not at three in the morning
 */
export function fleetSettings(own: Partial<PolicySettings>): PolicySettings {
  const unknown = Object.keys(own).filter((name) => !settingNames.includes(name as SettingName));
  const settings = { ...defaultSettings, ...own };
  const problems = [
    ...unknown.map((name) => `Expected one of ${settingNames.join(', ')}, got ${name}`),
    ...settingsProblems(settings),
  ];
  if (problems.length > 0)
    throw new ConfigurationError(`The policy can't be used:\n${problems.map((it) => `- ${it}`).join('\n')}`);
  return settings;
}
