/**
 * Every number that Defib decides by, in one place: its unit in the name, its default, its bounds, what it means
 * and what goes wrong when it is set badly. Settings are what people write (seconds, the names of the HTTP API);
 * a Policy is what the code reads (milliseconds).
 */

const whenPausedChoices = ['park', 'refuse'] as const;
/** What becomes of a request for a paused workspace: kept for later, or refused with 409. */
export type WhenPaused = (typeof whenPausedChoices)[number];

const peerProofChoices = ['none', 'well-known'] as const;
/** Whether an agent must say who it is, on the very connection, before it is given a request. */
export type PeerProofChoice = (typeof peerProofChoices)[number];

export const modeChoices = ['enforce', 'observe', 'approve'] as const;
/**
 * What follows from a dead verdict. `enforce`: a restart. `observe`: the receipt says what would have been done, and
 * nothing is done. `approve`: the restart waits for an operator's yes, and ends when none comes.
 */
export type Mode = (typeof modeChoices)[number];

/** The settings that a workspace may override. */
export interface WorkspaceSettings {
  readonly settleSeconds: number;
  readonly reprobeSeconds: number;
  readonly freshSeconds: number;
  readonly evidenceSeconds: number;
  /** Null: a silent agent on a running instance is never evidence. */
  readonly silentAfterSeconds: number | null;
  readonly skewSeconds: number;
  readonly restartsPerWindow: number;
  readonly restartWindowSeconds: number;
  readonly parkedMax: number;
  readonly deliverTimeoutSeconds: number;
  readonly maxFailedAttempts: number;
  readonly maxActiveTasks: number;
  readonly whenPaused: WhenPaused;
  readonly peerProof: PeerProofChoice;
  readonly mode: Mode;
  readonly respectManualStop: boolean;
  readonly softRestartSeconds: number;
}

/** The settings that hold for the whole fleet only. */
export interface FleetSettings {
  readonly brakeMinimum: number;
  readonly brakeShare: number;
  readonly brakeWindowSeconds: number;
  readonly brakeEc2Share: number;
  readonly maxRestartShare: number;
  readonly enforcePercent: number;
}

export type PolicySettings = WorkspaceSettings & FleetSettings;

export interface NumberSetting {
  readonly kind: 'number';
  readonly scope: 'workspace' | 'fleet';
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly integer: boolean;
  /** Whether it may be switched off, by null. */
  readonly nullable?: boolean;
  /** What it means, and the danger of a bad value. */
  readonly meaning: string;
}

export interface ChoiceSetting {
  readonly kind: 'choice';
  readonly scope: 'workspace' | 'fleet';
  readonly default: string;
  readonly choices: readonly string[];
  readonly meaning: string;
}

/** Yes or no. */
export interface FlagSetting {
  readonly kind: 'flag';
  readonly scope: 'workspace' | 'fleet';
  readonly default: boolean;
  readonly meaning: string;
}

const seconds = (fallback: number, minimum: number, maximum: number, meaning: string): NumberSetting => ({
  kind: 'number',
  scope: 'workspace',
  default: fallback,
  minimum,
  maximum,
  integer: true,
  meaning,
});
const fleet = (setting: NumberSetting): NumberSetting => ({ ...setting, scope: 'fleet' });
const share = (fallback: number, meaning: string): NumberSetting => ({
  ...fleet(seconds(fallback, 0, 1, meaning)),
  integer: false,
});

/** The table of settings; the API's schemas, the local stack's flags and the docs are made from it. */
export const settingTable = {
  settleSeconds: seconds(
    60,
    5,
    3600,
    'After a start nothing counts as evidence of death. Too short kills booting agents.',
  ),
  reprobeSeconds: seconds(2, 2, 10, 'Time between the two sightings. Longer delays every true restart.'),
  freshSeconds: seconds(15, 5, 600, 'A heartbeat this young is proof of life. Too short kills busy agents.'),
  evidenceSeconds: seconds(
    30,
    10,
    300,
    'A first sighting older than this is void. Too long pairs unrelated sightings.',
  ),
  silentAfterSeconds: {
    ...seconds(
      180,
      30,
      3600,
      'A running instance whose agent refuses connections, and which has not beaten for this long, is dead. Too short kills agents that restart slowly.',
    ),
    nullable: true,
  },
  skewSeconds: seconds(
    5,
    1,
    60,
    'How far clocks may disagree: the claim wants every window past by this much.',
  ),
  restartsPerWindow: seconds(3, 1, 100, 'Restarts that one workspace may have within the restart window.'),
  restartWindowSeconds: seconds(
    1800,
    60,
    86_400,
    'The window over which restarts of a workspace are counted.',
  ),
  parkedMax: seconds(1000, 1, 10_000, 'Requests parked for one workspace; more are refused with 429.'),
  deliverTimeoutSeconds: seconds(
    300,
    1,
    840,
    'How long a delivery waits for the agent. An agent turn may take minutes.',
  ),
  maxFailedAttempts: seconds(
    5,
    1,
    100,
    'Attempts that may fail at the agent itself before a request becomes a dead letter. Too few give up on one bad minute.',
  ),
  maxActiveTasks: seconds(1, 1, 1000, 'A workspace with this many active tasks gets no parked request.'),
  whenPaused: {
    kind: 'choice',
    scope: 'workspace',
    default: 'park',
    choices: whenPausedChoices,
    meaning: 'Whether requests for a paused workspace are parked, or refused with 409.',
  },
  peerProof: {
    kind: 'choice',
    scope: 'workspace',
    default: 'none',
    choices: peerProofChoices,
    meaning:
      'Whether an agent must first say who it is (GET /.well-known/defib) before it is given a parked request. An agent without that route then gets none.',
  },
  mode: {
    kind: 'choice',
    scope: 'workspace',
    default: 'enforce',
    choices: modeChoices,
    meaning:
      'Whether the dead are restarted, only recorded (observe), or restarted when an operator has said yes (approve).',
  },
  respectManualStop: {
    kind: 'flag',
    scope: 'workspace',
    default: false,
    meaning:
      'An instance that a person stopped by the EC2 API, and not Defib, is left alone. Somebody else’s tool counts as a person.',
  },
  softRestartSeconds: seconds(
    0,
    0,
    600,
    'How long a silent agent gets to come back after the event restart.soft, before its instance is stopped and started. 0: no such step. Too long leaves it away for longer.',
  ),
  brakeMinimum: fleet(
    seconds(
      2,
      1,
      100_000,
      'The brake never opens for this many dead workspaces or fewer; more than 499 mean 499, as many as are remembered.',
    ),
  ),
  brakeShare: share(0.2, 'The brake opens when more than this share of the fleet looks dead at once.'),
  brakeWindowSeconds: fleet(seconds(300, 10, 3600, 'The window over which deaths count as at once.')),
  brakeEc2Share: share(
    0.5,
    'The brake opens when more than this share of the calls to EC2 fail or are throttled. 1: never.',
  ),
  maxRestartShare: share(0.05, 'Restarts in flight, as a share of the fleet; three are always allowed.'),
  enforcePercent: fleet(
    seconds(
      100,
      0,
      100,
      'How many of a hundred workspaces are restarted; the others are only observed. Which ones never changes.',
    ),
  ),
} as const satisfies Record<keyof PolicySettings, NumberSetting | ChoiceSetting | FlagSetting>;

export type SettingName = keyof typeof settingTable;

export const settingNames = Object.keys(settingTable) as readonly SettingName[];

/** The settings that hold where nobody says otherwise. */
export const defaultSettings: PolicySettings = Object.fromEntries(
  settingNames.map((name) => [name, settingTable[name].default]),
) as unknown as PolicySettings;

/** What the code reads: times in milliseconds. */
export interface Policy {
  readonly settleWindowMs: number;
  readonly reprobeDelayMs: number;
  readonly freshWindowMs: number;
  readonly evidenceLifeMs: number;
  /** Longer than anything lasts where a silent agent is never evidence. */
  readonly silentAfterMs: number;
  readonly skewMarginMs: number;
  readonly restartsPerWindow: number;
  readonly restartWindowMs: number;
  readonly parkedMax: number;
  readonly deliverTimeoutMs: number;
  readonly maxFailedAttempts: number;
  readonly maxActiveTasks: number;
  readonly whenPaused: WhenPaused;
  readonly peerProof: PeerProofChoice;
  readonly mode: Mode;
  readonly respectManualStop: boolean;
  /** 0: a silent agent's instance is stopped and started at once. */
  readonly softRestartMs: number;
  readonly brakeMinimum: number;
  readonly brakeShare: number;
  readonly brakeWindowMs: number;
  readonly brakeEc2Share: number;
  readonly maxRestartShare: number;
  readonly enforcePercent: number;
}

/** Longer than anything lasts, and a number that JSON can hold, so that a receipt replays. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** The policy that follows from settings. The settings must have passed {@link settingsProblems}. */
export function policyOf(settings: PolicySettings): Policy {
  return {
    settleWindowMs: settings.settleSeconds * 1000,
    reprobeDelayMs: settings.reprobeSeconds * 1000,
    freshWindowMs: settings.freshSeconds * 1000,
    evidenceLifeMs: settings.evidenceSeconds * 1000,
    silentAfterMs: settings.silentAfterSeconds === null ? NEVER_MS : settings.silentAfterSeconds * 1000,
    skewMarginMs: settings.skewSeconds * 1000,
    restartsPerWindow: settings.restartsPerWindow,
    restartWindowMs: settings.restartWindowSeconds * 1000,
    parkedMax: settings.parkedMax,
    deliverTimeoutMs: settings.deliverTimeoutSeconds * 1000,
    maxFailedAttempts: settings.maxFailedAttempts,
    maxActiveTasks: settings.maxActiveTasks,
    whenPaused: settings.whenPaused,
    peerProof: settings.peerProof,
    mode: settings.mode,
    respectManualStop: settings.respectManualStop,
    softRestartMs: settings.softRestartSeconds * 1000,
    brakeMinimum: settings.brakeMinimum,
    brakeShare: settings.brakeShare,
    brakeWindowMs: settings.brakeWindowSeconds * 1000,
    brakeEc2Share: settings.brakeEc2Share,
    maxRestartShare: settings.maxRestartShare,
    enforcePercent: settings.enforcePercent,
  };
}

/** The fleet's settings with a workspace's own on top. */
export function withOverrides(
  settings: PolicySettings,
  own: Partial<WorkspaceSettings> | undefined,
): PolicySettings {
  return { ...settings, ...own };
}

/**
 * Everything that is wrong with a set of settings, in words that name the setting and both numbers; empty when it
 * can be used. Each value has its bounds, and a set of good values can still be impossible together.
 */
export function settingsProblems(settings: PolicySettings): string[] {
  const problems = settingNames.flatMap((name) => valueProblems(name, settings[name]));
  if (problems.length > 0) return problems;
  const { reprobeSeconds, evidenceSeconds, skewSeconds, freshSeconds, silentAfterSeconds } = settings;
  if (evidenceSeconds < 3 * reprobeSeconds) {
    problems.push(
      `Expected evidenceSeconds to be at least 3 x reprobeSeconds (${3 * reprobeSeconds}), got ${evidenceSeconds}: ` +
        'the second sighting would come too late to count',
    );
  }
  if (silentAfterSeconds !== null && silentAfterSeconds <= freshSeconds) {
    problems.push(
      `Expected silentAfterSeconds to be more than freshSeconds (${freshSeconds}), got ${silentAfterSeconds}: ` +
        'an agent would count as silent while its heartbeat is fresh',
    );
  }
  if (skewSeconds > freshSeconds) {
    problems.push(
      `Expected skewSeconds to be at most freshSeconds (${freshSeconds}), got ${skewSeconds}: ` +
        'the margin would be wider than the window it guards',
    );
  }
  return problems;
}

/**
 * Whether the windows that a verdict depends on are within their bounds. Settings are checked where they are written;
 * this is for the judge, who trusts nothing that was stored (S15): a window that is no number would be no guard.
 */
export function isUsablePolicy(policy: Policy): boolean {
  if (typeof policy !== 'object' || (policy as Policy | null) === null) return false;
  // Spelled out: every verdict asks, and a list made anew each time would cost as much as the judge itself.
  return (
    isWithin(policy.settleWindowMs, settingTable.settleSeconds) &&
    isWithin(policy.reprobeDelayMs, settingTable.reprobeSeconds) &&
    isWithin(policy.evidenceLifeMs, settingTable.evidenceSeconds) &&
    isWithin(policy.skewMarginMs, settingTable.skewSeconds) &&
    (policy.silentAfterMs === NEVER_MS || isWithin(policy.silentAfterMs, settingTable.silentAfterSeconds))
  );
}

function isWithin(ms: unknown, { minimum, maximum }: NumberSetting): boolean {
  return typeof ms === 'number' && ms >= minimum * 1000 && ms <= maximum * 1000;
}

function valueProblems(name: SettingName, value: unknown): string[] {
  const setting: NumberSetting | ChoiceSetting | FlagSetting = settingTable[name];
  if (setting.kind === 'flag') {
    return typeof value === 'boolean' ? [] : [`Expected ${name} to be true or false, got ${String(value)}`];
  }
  if (setting.kind === 'choice') {
    const known = setting.choices.some((choice) => choice === value);
    return known ? [] : [`Expected ${name} to be one of ${setting.choices.join(', ')}, got ${String(value)}`];
  }
  if (value === null && setting.nullable) return [];
  if (!isFiniteNumber(value)) {
    return [`Expected ${name} to be a number, got ${String(value)}`];
  }
  if (setting.integer && !Number.isInteger(value))
    return [`Expected ${name} to be a whole number, got ${value}`];
  if (value < setting.minimum || value > setting.maximum) {
    return [`Expected ${name} to be from ${setting.minimum} to ${setting.maximum}, got ${value}`];
  }
  return [];
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value);
}
