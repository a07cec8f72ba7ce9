/** The user's own environment for a child, but for what would send its AWS calls elsewhere. */
export function inheritedEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('AWS_'),
  );
  return Object.fromEntries(kept);
}
