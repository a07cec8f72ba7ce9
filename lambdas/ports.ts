/**
 * What the use cases need from the world: types only. `adapters/` speaks AWS behind them; tests and the simulator
 * put their own there. A port never turns an error into an answer: what it does not know it says, or it throws.
 */
import type { Fleet } from '../core/brake.ts';
import type { ClaimWrite } from '../core/claim.ts';
import type { Ec2Answers } from '../core/ec2-answers.ts';
import type { Probe } from '../core/facts.ts';
import type { Beat } from '../core/heartbeat.ts';
import type { ParkedMessage, ReprobeMessage, RestartMessage } from '../core/messages.ts';
import type { Drain } from '../core/drain.ts';
import type { AttemptMark, FinalState, ParkedRequest } from '../core/parking.ts';
import type { PolicySettings } from '../core/policy.ts';
import type { Receipt } from '../core/receipt.ts';
import type { OrderRecord, RestartRecord } from '../core/timeline.ts';
import type { Answer } from '../core/answer.ts';
import type { Claim, Desired, Evidence, Pause, Unclear, Workspace } from '../core/workspace.ts';
import type { WorkspaceSettings } from '../core/policy.ts';

export interface Clock {
  /** The function's own clock, epoch ms. It may be wrong after a thaw: never judge by it alone. */
  nowMs(): number;
  /** Resolves after that long; only ever awaited within one invocation. */
  sleep(ms: number): Promise<void>;
  /** Does `work` again and again until stopped; what it throws is logged. */
  every(intervalMs: number, work: () => Promise<void>): { stop(): void };
}

export interface Ids {
  /** A new ULID: unique, and in the order of time. */
  next(nowMs: number): string;
  /** From 0 to 1, to spread retries. */
  jitter(): number;
  /** SHA-256 in hex. */
  fingerprint(text: string): string;
}

/** A stored workspace as it was read; `malformed` is an item that this version cannot read. */
export type StoredWorkspace = Workspace | 'absent' | 'malformed';

/** A strongly consistent read, with the database's own time for a second opinion on the clock. */
export interface Read<T> {
  readonly value: T;
  /** From the answer's Date header, whole seconds; absent when the answer had none. */
  readonly serverTimeMs?: number;
}

export interface IdempotencyKey {
  readonly principal: string;
  readonly workspaceId: string;
  readonly key: string;
}

/** The first answer given for an idempotency key. */
export interface FirstAnswer {
  readonly fingerprint: string;
  readonly answer: Answer;
  /** The request that was parked by it. */
  readonly requestId?: string;
}

export interface ProbeNote {
  readonly atMs: number;
  readonly generation: number;
  readonly probe: Probe;
  /** Since when looks have been unclear, this one included. */
  readonly unclear?: Unclear;
}

/** All that a forward error is judged by, in one read. */
export interface JudgingRead {
  readonly workspace: StoredWorkspace;
  readonly parkedCount: number;
  readonly lastProbe?: Omit<ProbeNote, 'unclear'>;
  readonly unclear?: Unclear;
  readonly firstAnswer?: FirstAnswer;
}

/** What the write of an advance requires beside the claim's own token, epoch, step and attempt (the last look). */
export interface LastLook {
  readonly generation: number;
  /** A pause must have ended by then; absent for a forced order. */
  readonly pauseEndedByMs?: number;
  /** The boot that was condemned must still be the one that beats. */
  readonly bootId?: string;
  /** No settle window may reach further than this, unless it has ended. */
  readonly settle?: { readonly untilMs: number; readonly nowMs: number };
}

/** A dead verdict without a restart, and the finding that the workspace keeps of it. */
export interface Conclusion {
  readonly workspaceId: string;
  readonly token: string;
  readonly requires: ClaimWrite['requires'];
  readonly sets:
    | { readonly as: 'gone'; readonly finding: NonNullable<Workspace['gone']> }
    | { readonly as: 'quarantine'; readonly finding: NonNullable<Workspace['quarantine']> }
    | { readonly as: 'withheld'; readonly finding: NonNullable<Workspace['withheld']> };
}

export interface WorkspaceStore {
  read(workspaceId: string): Promise<Read<StoredWorkspace>>;
  readMany(workspaceIds: readonly string[]): Promise<Read<ReadonlyMap<string, StoredWorkspace>>>;
  readForJudging(workspaceId: string, key: IdempotencyKey | undefined): Promise<Read<JudgingRead>>;
  /** Takes the right to probe for a moment (S31); false when another call has it. */
  takeProbeLease(workspaceId: string, nowMs: number, untilMs: number): Promise<boolean>;
  /** Writes evidence if the workspace is still as judged; otherwise gives the workspace as it is now. */
  putEvidence(
    judged: Workspace,
    evidence: Evidence,
    resendAtMs: number,
  ): Promise<'written' | StoredWorkspace>;
  /** Removes the evidence of one verdict; where it is another's by now, or a claim's, gives the workspace as it is. */
  removeEvidence(workspaceId: string, verdictId: string): Promise<'removed' | StoredWorkspace>;
  /** The claim: one conditional write that carries every guard. `lost` names the workspace as it was found. */
  claim(write: ClaimWrite): Promise<'won' | { lostTo: StoredWorkspace }>;
  /** What follows from a dead verdict that leads to no claim: one conditional write that carries the same guards. */
  concludeDead(conclusion: Conclusion): Promise<'won' | { lostTo: StoredWorkspace }>;
  /** Moves a claim on, if it is still exactly as read. */
  advanceClaim(
    workspaceId: string,
    from: Claim,
    to: Claim,
    also: { dueAtMs: number; settleUntilMs?: number; stopAtMs?: number; lastLook?: LastLook },
  ): Promise<'advanced' | 'lost'>;
  /** Ends a claim; `unretire` lets the condemned boot count again, `sets` keeps what the end has shown. */
  endClaim(
    workspaceId: string,
    token: string,
    also: {
      unretire: boolean;
      sets?: Partial<Pick<Workspace, 'gone' | 'quarantine' | 'recentRestartsMs'>>;
    },
  ): Promise<'ended' | 'lost'>;
  /** Records a beat of the known boot: one conditional write, the usual path. */
  recordBeat(workspaceId: string, beat: Beat, at: BeatStamp): Promise<BeatWrite>;
  /** Records the first beat of a new boot, if the workspace is still as read. */
  recordFirstBeat(workspace: Workspace, beat: Beat, at: BeatStamp): Promise<BeatWrite>;
  /** Notes on an open claim, before its first act, that the condemned agent was heard. */
  recordHeard(workspaceId: string, token: string, heard: { atMs: number; bootId: string }): Promise<void>;
  /** Since when its instance has been in no clear state. */
  readUnclear(workspaceId: string): Promise<Unclear | undefined>;
  /** Keeps that, or forgets it. */
  noteUnclear(workspaceId: string, unclear: Unclear | undefined): Promise<void>;
  list(limit: number, cursor: string | undefined): Promise<{ workspaces: Workspace[]; cursor?: string }>;
}

export interface BeatStamp {
  readonly instanceId: string;
  readonly atMs: number;
  readonly freshUntilMs: number;
  /** Whose fresh window it was: the fleet's is right only for a workspace without a window of its own. */
  readonly window: 'fleet' | 'own';
}

/** `written` gives the workspace as it was before; `refused` as it is. */
export type BeatWrite =
  | { readonly kind: 'written'; readonly before: Workspace }
  | { readonly kind: 'refused'; readonly workspace: StoredWorkspace };

/** What an operator registers. */
export interface Registration {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly port: number;
  readonly protocol: 'http' | 'https';
  readonly path: string;
  readonly desired: Desired;
  readonly settings?: Partial<WorkspaceSettings>;
}

/** From when to when a workspace settles, epoch ms. */
export interface SettleWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Kept with the registrations; who reads it must still check what the workspace itself says. */
export interface InstanceIndex {
  workspacesOf(instanceId: string): Promise<readonly string[]>;
}

/** The operator's writes to a workspace. Each requires the workspace as read (its generation). */
export interface Registry {
  register(
    registration: Registration,
    before: StoredWorkspace,
    settles: SettleWindow,
  ): Promise<'written' | 'conflict'>;
  remove(workspace: Workspace): Promise<'removed' | 'conflict'>;
  settle(workspace: Workspace, window: SettleWindow, because: string): Promise<'written' | 'conflict'>;
  pause(workspaceId: string, pause: Pause | undefined): Promise<'written' | 'absent'>;
  /** Ends a quarantine and gives the whole restart budget back. */
  release(workspaceId: string): Promise<'written' | 'absent'>;
}

/** What an operator has ordered, kept beside the receipts: who, why, and what was known at the time (S35). */
export interface OperatorOrder {
  /** A ULID. */
  readonly orderId: string;
  readonly workspaceId: string;
  readonly what: 'restart' | 'force-restart' | 'approve-restart' | 'release-quarantine';
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  /** The claim or finding that it is about. */
  readonly token: string;
  readonly probe?: Probe;
}

export interface ReceiptStore {
  /** Writes down an order, before anything follows from it. */
  putOrder(order: OperatorOrder): Promise<void>;
  /** Writes a receipt as it is now; a final one never changes any more. */
  put(receipt: Receipt): Promise<'written' | 'was-final'>;
  read(workspaceId: string, verdictId: string): Promise<Receipt | undefined>;
  list(
    workspaceId: string,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ receipts: Receipt[]; cursor?: string }>;
  /**
   * One write for what a forward error leaves behind without parking: receipt, first answer, last probe. `repeated`:
   * another call with the same idempotency key was faster, and nothing was written.
   */
  putJudged(judged: JudgedWrite): Promise<'written' | 'repeated'>;
}

export interface JudgedWrite {
  readonly about: { readonly workspaceId: string; readonly atMs: number };
  /** Absent for a call that joins another's verdict. */
  readonly receipt?: Receipt;
  readonly probe?: ProbeNote;
  readonly firstAnswer?: { readonly key: IdempotencyKey; readonly value: FirstAnswer };
}

export interface Acceptance extends JudgedWrite {
  readonly request: ParkedRequest;
  readonly parkedMax: number;
}

/** `repeated`: the idempotency key was taken meanwhile, by this very call's twin or another's. */
export type AcceptOutcome = 'accepted' | 'full' | 'repeated';

export interface Ledger {
  /** Step 1 of parking: one transaction over receipt, first answer, request row and counters. */
  accept(acceptance: Acceptance): Promise<AcceptOutcome>;
  /** Step 3: `accepting` becomes `parked`. True also when it already was. `sequence`: what SQS said of the message. */
  markParked(request: ParkedRequest, atMs: number, sequence?: string): Promise<boolean>;
  read(requestId: string): Promise<ParkedRequest | undefined>;
  /** Marks one attempt begun, with its lease; lost when the request is final, expired or another attempt is newer. */
  beginAttempt(request: ParkedRequest, attempt: AttemptBegin): Promise<'begun' | 'lost'>;
  /** Renews an attempt's lease, as long as it is the newest one. */
  renewAttempt(request: ParkedRequest, leaseUntilMs: number): Promise<void>;
  /** Puts a request back after an attempt that came to nothing. */
  putBack(request: ParkedRequest, back: AttemptBack): Promise<void>;
  /**
   * Reaches a final state, once, and gives the counters back. The row stays due until {@link noticed}. `moved-on`: it
   * has not ended, but is no longer in the state or attempt that the end is for.
   */
  finish(request: ParkedRequest, end: FinishedRequest): Promise<Finish>;
  /** Notes that the end of a request was announced. */
  noticed(requestId: string): Promise<void>;
  readResponse(requestId: string): Promise<KeptResponse | undefined>;
  /** How many requests wait before this one. */
  countBefore(workspaceId: string, requestId: string): Promise<number>;
  listRequests(
    workspaceId: string,
    page: { limit: number; cursor?: string; ended: boolean; newestFirst?: boolean },
  ): Promise<{ requests: ParkedRequest[]; cursor?: string }>;
  parkedCount(workspaceId: string): Promise<number>;
  headOf(workspaceId: string): Promise<QueueHead | undefined>;
  /** What is parked for a workspace, all together. */
  parkedFor(workspaceId: string): Promise<ParkedTotals>;
  /** Remembers the head's receipt handle and the history: hints, both. */
  noteHead(workspaceId: string, head: QueueHead | undefined, drain: Drain): Promise<void>;
}

export interface AttemptBegin {
  readonly nowMs: number;
  readonly leaseUntilMs: number;
  /** Whom it goes to; what it meets is not known yet. */
  readonly mark: AttemptMark;
  readonly interruptions: number;
}

export interface AttemptBack {
  readonly why: string;
  readonly ambiguous: boolean;
  readonly failures: number;
  readonly notBeforeMs: number;
  readonly mark: AttemptMark | undefined;
}

export interface ParkedTotals {
  readonly count: number;
  readonly bytes: number;
  readonly head?: QueueHead;
  readonly drain: Drain;
  /** Since when the queue was seen to hold nothing at all. */
  readonly emptySinceMs?: number;
}

export type Finish = 'finished' | 'was-final' | 'moved-on';

export interface FinishedRequest {
  readonly state: FinalState;
  readonly why?: string;
  readonly atMs: number;
  readonly response?: KeptResponse;
  /** Only when the request is in this state. */
  readonly onlyFrom?: 'accepting' | 'parked' | 'delivering';
  /** Only when no newer attempt has begun. */
  readonly onlyAttempt?: number;
  readonly drain?: Drain;
}

export interface KeptResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Base64. */
  readonly body: string;
  readonly truncated: boolean;
}

export interface QueueHead {
  readonly requestId: string;
  readonly receiptHandle: string;
  readonly notBeforeMs: number;
}

/** The parts of a workspace's story, newest first, from an id on backwards: fewer than the limit only at its beginning. */
export interface Stories {
  verdicts(workspaceId: string, upToId: string, limit: number): Promise<Receipt[]>;
  requests(workspaceId: string, upToId: string, limit: number): Promise<ParkedRequest[]>;
  restarts(workspaceId: string, upToId: string, limit: number): Promise<RestartRecord[]>;
  orders(workspaceId: string, upToId: string, limit: number): Promise<OrderRecord[]>;
}

/** Where the end of each restart is written down, for the story. */
export interface RestartRecords {
  note(workspaceId: string, record: RestartRecord): Promise<void>;
}

/** Requests that were given up, with their bytes, so that they can be sent again. */
export interface DeadLetters {
  /** Keeps a message's bytes. Before the row ends, so that no dead letter is without them. */
  keep(message: ParkedMessage, atMs: number): Promise<void>;
  /** The bytes as they were sent; undefined when they were lost with their message, or are too old. */
  read(requestId: string): Promise<ParkedMessage | undefined>;
  list(limit: number, cursor: string | undefined): Promise<{ requests: ParkedRequest[]; cursor?: string }>;
  /** Step 1 of parking for a request made from a dead letter: once, unless the one before came to nothing. */
  acceptAgain(
    deadLetter: ParkedRequest,
    request: ParkedRequest,
    parkedMax: number,
  ): Promise<'accepted' | 'full' | 'redriven'>;
}

/** What the sweep finds: rows whose time has come. From an index, so each is read again before anything is done. */
export interface DueWork {
  dueWorkspaces(nowMs: number, limit: number): Promise<Read<string[]>>;
  dueRequests(nowMs: number, limit: number): Promise<Read<string[]>>;
  /** Workspaces with parked requests that were not looked at for a while. */
  dueParked(nowMs: number, limit: number): Promise<Read<string[]>>;
  /** Sets when what is parked for a workspace is looked at again; never, when nothing is parked. */
  postponeParked(
    workspaceId: string,
    at: { dueAtMs: number; emptySinceMs: number | undefined },
  ): Promise<void>;
  /** Sets when a workspace is to be looked at again, raising the claim's epoch when there is one. */
  postponeWorkspace(workspace: Workspace, dueAtMs: number): Promise<'postponed' | 'lost'>;
}

export interface BrakeStore {
  /** Throws an UnreadableBrakeError when the item cannot be understood: such a brake counts as open. */
  read(): Promise<Fleet>;
  /** Writes the fleet if its revision is still the one of `before`. */
  replace(before: Fleet, after: Fleet): Promise<'replaced' | 'lost'>;
  workspaceCount(): Promise<number>;
}

/** How EC2 answers, over all functions that ask it. */
export interface Ec2Health {
  /** The calls of the last minutes. */
  recent(nowMs: number): Promise<Ec2Answers>;
  /** Adds calls that were made. Best effort: a number that is lost makes nobody act. */
  note(answers: Ec2Answers, nowMs: number): Promise<void>;
}

/** A message in this invocation's hands. */
export interface Received<T> {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: T;
  readonly receives: number;
  readonly sentAtMs: number;
  readonly firstReceivedAtMs: number;
  /** Its place in its group, as SQS numbers it; only of a FIFO queue. */
  readonly sequence?: string;
}

/** What becomes of a message: deleted, or seen again after a while. */
export type Settled = { readonly kind: 'done' } | { readonly kind: 'again'; readonly afterSeconds: number };

export interface Queues {
  sendReprobe(message: ReprobeMessage, delaySeconds: number): Promise<void>;
  sendRestart(message: RestartMessage): Promise<void>;
  /**
   * Step 2 of parking: into the workspace's group, deduplicated by request and enqueue number. Gives the message's place
   * in the group, as SQS numbers it.
   */
  sendParked(message: ParkedMessage): Promise<string | undefined>;
  /** Sets how long a parked message stays invisible: deliver's lease, and the wake (0). */
  setParkedVisibility(receiptHandle: string, seconds: number): Promise<void>;
  /** About how many messages the parked queue holds, in whatever condition. */
  parkedDepth(): Promise<number>;
}

/** What EC2 says of an instance. */
export interface InstanceLook {
  readonly probe: Probe;
  readonly privateIp?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** What a replacement would be made of: image, type, zone and the like, where EC2 says so. */
  readonly make?: Readonly<Record<string, string>>;
}

/** IsRunning: reads, never acts. */
export interface Ec2Probe {
  /** Every id asked for is in the answer; a failed call makes each of them unknown. */
  look(instanceIds: readonly string[]): Promise<ReadonlyMap<string, InstanceLook>>;
}

/** What an EC2 power call came to. `unclear`: it may have been done. */
export type PowerOutcome =
  | { readonly kind: 'done'; readonly previousState: string }
  | { readonly kind: 'try-again'; readonly code: string }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unclear'; readonly code: string };

/** The power to act: only the restart function has it. */
export interface Ec2Power {
  start(instanceId: string): Promise<PowerOutcome>;
  stop(instanceId: string): Promise<PowerOutcome>;
}

export interface AgentRequest {
  readonly protocol: 'http' | 'https';
  readonly address: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Base64. */
  readonly body: string;
  readonly timeoutMs: number;
  /** Who must first prove to be there, on the same connection. */
  readonly proof?: PeerProof;
}

export interface PeerProof {
  readonly workspaceId: string;
  readonly bootId?: string;
}

export type AgentAnswer =
  /** Somebody else is at the address; nothing of the request was sent. */
  | { readonly kind: 'stranger' }
  | { readonly kind: 'answered'; readonly response: KeptResponse }
  | {
      readonly kind: 'failed';
      readonly because: 'refused' | 'reset' | 'eof' | 'deadline' | 'unreachable';
      /** It failed at the proof: nothing of the request was sent. */
      readonly unsent?: true;
    };

/** Speaks HTTP to an agent, at an address that was just read from EC2. */
export interface AgentHttp {
  send(request: AgentRequest): Promise<AgentAnswer>;
}

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

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Ids, states, numbers and reasons only; never a body, header, query or token (S29). */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields: LogFields, error?: unknown): void;
  /** Adds one to a metric. */
  count(metric: string): void;
}

/** The fleet's settings and other fixed facts of the deployment. */
export interface Config {
  readonly settings: PolicySettings;
}
