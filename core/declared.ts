/** What says that a verdict was declared dead, in a workspace of whatever version. */
interface Declared {
  readonly claim?: { readonly token?: unknown };
  readonly gone?: { readonly verdictId?: unknown };
  readonly withheld?: { readonly verdictId?: unknown };
}

/**
 * Whether this very verdict has won its conditional write: whoever thinks otherwise of it comes too late (S27).
 *
 * @param workspace as it was read, or its item where that cannot be read
 */
export function isDeclaredDead(workspace: object, verdictId: string): boolean {
  const { claim, gone, withheld } = workspace as Declared;
  return [claim?.token, gone?.verdictId, withheld?.verdictId].includes(verdictId);
}
