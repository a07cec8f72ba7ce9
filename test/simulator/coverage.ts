/** What must have been seen, and how often it was (V12); what a fault row of the matrix is shown by. */
export function coverageText(counts: ReadonlyMap<string, number>): string {
  const rows = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
  return rows.map(([what, count]) => `${String(count).padStart(9)}  ${what}`).join('\n');
}
