/** How often a property is tried. A mutation run tries it less often, for it does so once for every mutant. */
export function runs(numRuns: number): { numRuns: number } {
  const divisor = Number(process.env['DEFIB_FEWER_RUNS'] ?? 1);
  return { numRuns: Math.ceil(numRuns / divisor) };
}
