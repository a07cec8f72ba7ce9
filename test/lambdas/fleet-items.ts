/** What the table says of the whole fleet. */

/** The fleet's item: by default the brake is closed, and nothing is under way. */
export function fleetItem(changes: object = {}): Record<string, unknown> {
  return { pk: 'FLEET', sk: 'BRAKE', revision: 7, brake: 'closed', admitted: {}, deaths: [], ...changes };
}

/** How many workspaces it has. */
export function sizeItem(workspaces = 40): Record<string, unknown> {
  return { pk: 'FLEET', sk: 'SIZE', workspaces };
}
