/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html */
const reserved = new Set<string>();

/** Whether a name needs a placeholder, in any case of its letters. */
export function isReserved(name: string): boolean {
  return reserved.has(name.toUpperCase());
}
