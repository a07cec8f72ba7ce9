import type { Policy } from './policy.ts';
import type { TimeRange } from './time.ts';

/** One workspace that looked dead, and what it may have in common with the others. */
export interface Death {
  readonly workspaceId: string;
  readonly atMs: number;
  /** It runs, but nobody listens: the one verdict that rests on the caller's word. */
  readonly isSilent?: boolean;
  readonly zone?: string;
  readonly image?: string;
  readonly version?: string;
  /** The role that reported it, or `deliver`. */
  readonly reporter?: string;
}

/** What deaths are grouped by. */
const deathFactors = ['zone', 'image', 'version', 'reporter'] as const;
export type DeathFactor = (typeof deathFactors)[number];

/** So many of the deaths share this value. */
export interface DeathGroup {
  readonly factor: DeathFactor;
  readonly value: string;
  readonly deaths: number;
}

/**
 * Deaths that are remembered at once. A DynamoDB item holds 400 KB, and each write pays for all of it; so the brake of
 * a fleet of thousands opens at this many at the latest, a smaller share than its policy says.
 */
export const MOST_DEATHS = 500;
/** Longer texts are cut: tags are free text, and the item is not. */
const LONGEST_TEXT = 64;
const GROUPS_PER_FACTOR = 3;

export function recentDeaths(deaths: readonly Death[], now: TimeRange, policy: Policy): readonly Death[] {
  return deaths.filter((death) => death.atMs > now.earliestMs - policy.brakeWindowMs);
}

/**
 * Whether a death is news: within the window, later than what was forgiven when the brake closed, and not noted yet.
 * A claim that waits asks again and again with the same death; noted each time it would hold the brake open for ever.
 */
export function isNewDeath(
  deaths: readonly Death[],
  { workspaceId, atMs }: Pick<Death, 'workspaceId' | 'atMs'>,
  {
    now,
    policy,
    forgivenUntilMs = -Infinity,
  }: { now: TimeRange; policy: Policy; forgivenUntilMs?: number | undefined },
): boolean {
  if (atMs <= now.earliestMs - policy.brakeWindowMs || atMs <= forgivenUntilMs) return false;
  if (deaths.some((death) => death.workspaceId === workspaceId && death.atMs >= atMs)) return false;
  // Once the list is full, what it has dropped must not come back as news.
  return deaths.length < MOST_DEATHS || deaths.some((death) => death.atMs < atMs);
}

/** The recent deaths with a new one, one entry a workspace, the oldest dropped where there are too many. */
export function withDeath(
  deaths: readonly Death[],
  death: Death,
  now: TimeRange,
  policy: Policy,
): readonly Death[] {
  const others = recentDeaths(deaths, now, policy).filter(
    ({ workspaceId }) => workspaceId !== death.workspaceId,
  );
  const all = [...others, shortened(death)];
  if (all.length <= MOST_DEATHS) return all;
  const oldestMs = Math.min(...all.map(({ atMs }) => atMs));
  const oldest = all.findIndex(({ atMs }) => atMs === oldestMs);
  return all.filter((_, index) => index !== oldest);
}

/** What the deaths share, the largest groups of each factor first. A group of one is no group. */
export function groupsOf(deaths: readonly Death[]): readonly DeathGroup[] {
  return deathFactors.flatMap((factor) => {
    const counts = new Map<string, number>();
    for (const { [factor]: value } of deaths) {
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return [...counts]
      .map(([value, count]) => ({ factor, value, deaths: count }))
      .filter((group) => group.deaths > 1)
      .sort((one, other) => other.deaths - one.deaths)
      .slice(0, GROUPS_PER_FACTOR);
  });
}

/** What more than half of the deaths have in common, in words: `zone us-east-1a (9 of 10)`. Empty when nothing is. */
export function commonFactors(deaths: readonly Death[]): string {
  return groupsOf(deaths)
    .filter((group) => group.deaths > deaths.length / 2)
    .map(({ factor, value, deaths: count }) => `${factor} ${value} (${count} of ${deaths.length})`)
    .join(', ');
}

/**
 * Why so many deaths open the brake, or undefined. A silent death rests on the word of whoever reported it, so for
 * those of one reporter the bar is half as high: such a proxy is suspected before the fleet is.
 */
export function tooManyDead(
  deaths: readonly Death[],
  workspaceCount: number,
  policy: Policy,
): { readonly cause: 'deaths' | 'one-reporter'; readonly because: string } | undefined {
  const seconds = policy.brakeWindowMs / 1000;
  if (deaths.length > believed(policy.brakeShare * workspaceCount, policy)) {
    return { cause: 'deaths', because: `${deaths.length} workspaces looked dead within ${seconds} s` };
  }
  const silent = deaths.filter(({ isSilent }) => isSilent === true);
  const [loudest] = groupsOf(silent).filter(({ factor }) => factor === 'reporter');
  if (loudest && loudest.deaths > believed((policy.brakeShare / 2) * workspaceCount, policy)) {
    return {
      cause: 'one-reporter',
      because: `${loudest.value} alone reported ${loudest.deaths} silent workspaces within ${seconds} s`,
    };
  }
  return undefined;
}

/** How many deaths at once are believed. */
function believed(share: number, policy: Policy): number {
  return Math.min(Math.max(policy.brakeMinimum, share), MOST_DEATHS - 1);
}

function shortened(death: Death): Death {
  const texts = deathFactors.flatMap((factor) => {
    const value = death[factor];
    return value === undefined ? [] : [[factor, value.slice(0, LONGEST_TEXT)] as const];
  });
  return { ...death, ...Object.fromEntries(texts) };
}
