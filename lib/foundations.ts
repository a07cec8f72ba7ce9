import type { PolicySettings } from '../core/policy.ts';
import type { FunctionName } from '../lambdas/runtime/env-names.ts';
import type { Alarms } from './alarms.ts';
import type { Encryption } from './encryption.ts';
import type { Events } from './events.ts';
import type { LocalStage } from './local-stage.ts';
import type { State } from './state.ts';

/** What every capability stands on. */
export interface Foundations {
  readonly state: State;
  readonly events: Events;
  readonly alarms: Alarms;
  readonly encryption: Encryption;
  readonly policySettings: PolicySettings;
  readonly reservedConcurrency: Partial<Record<FunctionName, number>>;
  /** Set on the local stage only. */
  readonly local: LocalStage | undefined;
}
