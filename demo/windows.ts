/** The demo's windows: short, so that five stories fit into three minutes. The rules are the same as anywhere. */
import { defaultSettings, settingNames, type PolicySettings } from '../core/policy.ts';

/** What the demo sets differently from the defaults; a flag on the command line wins. */
export const demoSettings: Partial<PolicySettings> = {
  settleSeconds: 5,
  skewSeconds: 1,
};

/** `settle 5 (not 60), skew 1 (not 5)`: what a reader must know before comparing times with production. */
export function windowsInWords(settings: Partial<PolicySettings>): string {
  const changed = settingNames.flatMap((name) => {
    const value = settings[name];
    return value === undefined || value === defaultSettings[name]
      ? []
      : [`${name} ${value} (not ${defaultSettings[name]})`];
  });
  return changed.join(', ') || 'all windows at their defaults';
}
