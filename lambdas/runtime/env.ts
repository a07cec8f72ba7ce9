/** Reading the environment of a function: what is missing is a mistake of the deployment, and fails at start. */
import { defaultSettings, settingsProblems, type PolicySettings } from '../../core/policy.ts';
import { env } from './env-names.ts';

/** The value of an environment variable of Defib's. */
export function requireEnv(name: keyof typeof env): string {
  const value = process.env[env[name]];
  if (value === undefined || value === '')
    throw new Error(`Expected the environment variable ${env[name]} to be set`);
  return value;
}

/** The value of one that may be absent. */
export function optionalEnv(name: keyof typeof env): string | undefined {
  const value = process.env[env[name]];
  return value === '' ? undefined : value;
}

/** A comma-separated list; empty when absent. */
export function listEnv(name: keyof typeof env): readonly string[] {
  return (optionalEnv(name) ?? '').split(',').filter((entry) => entry !== '');
}

/** The fleet's settings. They were checked at synth; a function that finds them broken does not start. */
export function settingsFromEnv(): PolicySettings {
  const settings = {
    ...defaultSettings,
    ...(JSON.parse(requireEnv('policySettings')) as Partial<PolicySettings>),
  };
  const problems = settingsProblems(settings);
  if (problems.length > 0) throw new Error(`The policy cannot be used: ${problems.join('; ')}`);
  return settings;
}
