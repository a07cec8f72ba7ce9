/** All seeded bugs. */
import { ages } from './ages.ts';
import { beats } from './beats.ts';
import { borders } from './borders.ts';
import type { Bug } from './bug.ts';
import { claims } from './claims.ts';
import { judging } from './judging.ts';
import { parking } from './parking.ts';
import { patience } from './patience.ts';
import { queues } from './queues.ts';
import { reads } from './reads.ts';
import { restarts } from './restarts.ts';
import { strangers } from './strangers.ts';
import { versions } from './versions.ts';

export const catalogue: readonly Bug[] = [
  ...judging,
  ...claims,
  ...restarts,
  ...beats,
  ...parking,
  ...queues,
  ...reads,
  ...patience,
  ...borders,
  ...ages,
  ...strangers,
  ...versions,
];
