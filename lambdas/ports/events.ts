/** The news that Defib publishes. */

export const eventTypes = [
  'verdict.final',
  'workspace.offline',
  'workspace.gone',
  'workspace.quarantined',
  'workspace.released',
  'restart.soft',
  'restart.started',
  'restart.done',
  'restart.failed',
  'restart.withheld',
  'restart.awaiting-approval',
  'request.parked',
  'request.delivered',
  'request.refused',
  'request.expired',
  'request.cancelled',
  'request.dead-lettered',
  'brake.opened',
  'brake.closed',
] as const;

export type EventType = (typeof eventTypes)[number];

export interface Events {
  /**
   * Publishes ids and reasons, never a body. A failure is logged and counted: an event is news, not state. False: it
   * may not have gone out.
   */
  publish(
    type: EventType,
    detail: Readonly<Record<string, string | number | boolean | undefined>>,
  ): Promise<boolean>;
}
