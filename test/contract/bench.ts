/**
 * What a contract is checked on: the fakes, or an emulator through the SDK's real clients. A suite is a list of
 * sentences about a service of AWS, each with the check that it is so.
 */
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Table } from '../../lambdas/adapters/table.ts';

export const services = ['dynamodb', 'sqs', 'ec2', 'eventbridge'] as const;
export type Service = (typeof services)[number];

export const emulators = ['fakes', 'ministack', 'localstack', 'dynamodb-local'] as const;
export type EmulatorName = (typeof emulators)[number];

export interface QueueWish {
  readonly fifo?: boolean;
  readonly visibilitySeconds?: number;
  readonly delaySeconds?: number;
  readonly largestBytes?: number;
  readonly deadLetters?: { readonly url: string; readonly maxReceiveCount: number };
}

export interface Bench {
  /** Lets time pass: the fakes' own, or real time. */
  readonly wait: (seconds: number) => Promise<void>;
  readonly nowMs: () => number;
  /** A table with the two indexes of lib/state.ts. */
  readonly table: Table;
  /** A key that no other test uses. */
  readonly newKey: () => { pk: string; sk: string };
  readonly sqs: SQSClient;
  /** The URL of an empty queue. */
  readonly newQueue: (wish?: QueueWish) => Promise<string>;
  readonly ec2: EC2Client;
  /** The id of a new instance. */
  readonly launch: (tags?: Readonly<Record<string, string>>) => Promise<string>;
  readonly events: EventBridgeClient;
  readonly busName: string;
  readonly close: () => Promise<void>;
}

/** Emulators on which a sentence is known not to hold, each with what happens there; docs/emulators.md has the list. */
export type Differs = Partial<Record<EmulatorName, string>>;

export interface Sentence {
  readonly says: string;
  readonly differs: Differs;
  readonly check: (bench: Bench) => Promise<void>;
}

export interface Suite {
  readonly service: Service;
  readonly about: string;
  readonly sentences: readonly Sentence[];
}

type Say = (says: string, check: Sentence['check'], differs?: Differs) => void;

export function suite(service: Service, about: string, write: (say: Say) => void): Suite {
  const sentences: Sentence[] = [];
  write((says, check, differs = {}) => void sentences.push({ says, check, differs }));
  return { service, about, sentences };
}
