/**
 * A crash after (or before) each single write of park and deliver leads to the same end as no
 * crash (V11); so does a write that fails, and one that was done though it was said to have failed.
 */
import { describe, it } from 'vitest';
import { delivering } from './crash/flows.ts';
import { tried } from './crash/tried.ts';

describe('a fault at each single write', () => {
  it.each(delivering)('leads to the same end as none: $name', (flow) => tried(flow));
});
