/** The words of a verdict. One sentence of meaning for each, shown to people as the detail of an answer. */

export const verdicts = ['alive', 'busy', 'dead', 'pending'] as const;
/** `pending` while suspect; the other three are final. */
export type Verdict = (typeof verdicts)[number];

/** Why a verdict was given. The text is for people; programs read the code. */
export const reasonMeaning = {
  running: 'The instance runs; the failure lies elsewhere.',
  paused: 'An operator paused the workspace, or wants it stopped.',
  restarting: 'A restart of the workspace is under way.',
  settling: 'The workspace started a short while ago; nothing counts as evidence of death yet.',
  moved: 'The workspace has another instance than the one that failed.',
  'probe-queued': 'EC2 throttled the probe; it will be made in a batch.',
  'probe-inconclusive': 'The probe gave no clear answer, and that is never evidence of death.',
  'probe-shared': 'Another call is probing this workspace at this moment.',
  booting: 'The instance is booting.',
  stopping: 'The instance is stopping; what it becomes is not known yet.',
  'heartbeat-fresh': 'The agent gave a sign of life a moment ago.',
  suspect: 'First evidence of death; a second look follows.',
  stopped: 'The instance was seen stopped twice, and no sign of life came between.',
  silent: 'The instance runs, but its agent is gone: it refuses connections and has not beaten for long.',
  terminated: 'The instance was terminated; it cannot be started again.',
  'clock-unsure': 'The clocks disagree too much to judge by time.',
  'facts-malformed': 'A stored fact is missing, malformed or in the future.',
  'claim-lost': 'Something changed between the second look and the claim, so nothing is restarted.',
  quarantined: 'Restarts have not helped the workspace; an operator must release it before the next one.',
  'stopped-by-person':
    'The instance was stopped by a person or their tool, and the policy says to leave it alone then.',
  'restart-budget-spent': 'The workspace was restarted too often lately; an operator should look.',
  'evidence-kept-changing': 'The evidence went stale again and again before it could be confirmed.',
  'workspace-changed': 'The workspace was changed or removed while the verdict was pending.',
} as const;

export type Reason = keyof typeof reasonMeaning;

/** What the judge says of a set of facts; the first five words are also steps of the flow. */
export const calls = [
  'unknown-workspace',
  'probe',
  'probe-queued',
  'suspect',
  'alive',
  'busy',
  'dead',
] as const;
export type Call = (typeof calls)[number];

/**
 * The rows of the verdict table (docs/verdict-table.md), by number and name.
 * A row's name never changes its meaning: receipts are kept and replayed.
 */
export const rules = [
  '1-unknown-workspace',
  '1a-facts-malformed',
  '1b-clock-unsure',
  '2-paused',
  '3-restarting',
  '4-settling',
  '4a-moved',
  '4b-look',
  '5-probe-queued',
  '6-probe-unknown',
  '7-running',
  '8-heartbeat-fresh',
  '9-first-sighting',
  '10-not-yet',
  '11-dead',
] as const;
export type Rule = (typeof rules)[number];

/** What would have led to another judgement, as data. */
export interface Flip {
  readonly kind:
    | 'pause-ends'
    | 'claim-ends'
    | 'settle-window-ends'
    | 'heartbeat-goes-stale'
    | 'heartbeat-arrives'
    | 'probe-says-running'
    | 'probe-says-stopped'
    | 'second-sighting'
    | 'clocks-agree';
  /** The instant from which it would, where there is one. */
  readonly afterMs?: number;
}

export interface Judgement {
  readonly call: Call;
  readonly rule: Rule;
  readonly reason: Reason;
  readonly flip: readonly Flip[];
}
