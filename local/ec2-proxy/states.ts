/** EC2's names and codes for the states of an instance. */

export const stateCodes = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;

export type StateName = keyof typeof stateCodes;

export const stateNames = Object.keys(stateCodes) as [StateName, ...StateName[]];

export function isStateName(text: string): text is StateName {
  return Object.hasOwn(stateCodes, text);
}
