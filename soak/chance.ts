/** Chance that can be played again: the same seed gives the same plans. What the machine does with them is its own. */

export interface Chance {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A number from `least` up to `most`. */
  between(least: number, most: number): number;
  /** Whether something of this probability happens. */
  happens(probability: number): boolean;
  /** One of several, by weight. */
  pick<Choice extends string>(weights: Readonly<Record<Choice, number>>): Choice;
  /** Chance of its own for one part of the run, so that parts do not disturb one another. */
  of(part: string): Chance;
}

/** Mulberry32, by Tommy Ettinger (public domain): small, fast, and good enough to make trouble with. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    between: (least, most) => least + next() * (most - least),
    happens: (probability) => next() < probability,
    pick: <Choice extends string>(weights: Readonly<Record<Choice, number>>): Choice => {
      const choices = Object.entries(weights) as [Choice, number][];
      let left = next() * choices.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [choice, weight] of choices) {
        left -= weight;
        if (left < 0) return choice;
      }
      throw new Error('nothing to pick from');
    },
    of: (part) => {
      // FNV-1a over the name, mixed into the seed.
      let hash = (0x811c9dc5 ^ seed) >>> 0;
      for (const letter of part) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
      return chanceOf(hash);
    },
  };
}
