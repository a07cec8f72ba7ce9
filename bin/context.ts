import { ConfigurationError } from '../lib/configuration-error.ts';
import type {
  DefibBaseProps,
  EncryptionKey,
  LocalStage,
  PolicySettings,
  WorkspaceTag,
} from '../lib/defib.ts';
import type { WorkspaceNetwork } from '../lib/defib-stack.ts';
import { fleetSettings } from '../lib/settings.ts';

export type StackContext = Pick<DefibBaseProps, 'policy' | 'workspaceTag' | 'encryptionKey'> & {
  readonly synthesizer: 'default' | 'cli-credentials';
} & (
    | { readonly network: WorkspaceNetwork; readonly local?: undefined }
    | { readonly local: LocalStage; readonly network?: undefined }
  );

/**
 * Reads the CDK's context (`--context name=value`):
 *
 * - `policy`: settings as JSON, `workspaceTag`: `Key=Value`, `encryptionKey`: `customer-managed` or `aws-owned`
 * - `vpcId`, and `workspaceSubnetIds` between commas (the VPC's private subnets unless said otherwise)
 * - or `stage=local` with `endpointUrl` and `ec2EndpointUrl`; `synthesizer=cli-credentials` needs no bootstrap roles
 *
 * @throws ConfigurationError
 */
export function readContext(get: (name: string) => unknown): StackContext {
  const text = (name: string) => textOf(name, get(name));
  const policy = policyOf(get('policy'));
  const workspaceTag = tagOf(text('workspaceTag'));
  const encryptionKey = encryptionKeyOf(text('encryptionKey'));
  const common = {
    ...(policy && { policy }),
    ...(workspaceTag && { workspaceTag }),
    ...(encryptionKey && { encryptionKey }),
    synthesizer: synthesizerOf(text('synthesizer')),
  };
  const stage = text('stage');
  if (stage !== undefined && stage !== 'local') {
    throw new ConfigurationError(`Expected the context stage to be local or absent, got ${stage}`);
  }
  if (stage === 'local') {
    const endpointUrl = required('endpointUrl', text('endpointUrl'));
    const ec2EndpointUrl = required('ec2EndpointUrl', text('ec2EndpointUrl'));
    return { ...common, local: { endpointUrl, ec2EndpointUrl, address: '127.0.0.1' } };
  }
  const vpcId = required('vpcId', text('vpcId'));
  const subnetIds = text('workspaceSubnetIds')?.split(',');
  return { ...common, network: { vpcId, ...(subnetIds && { subnetIds }) } };
}

function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw new ConfigurationError(`Expected the context ${name} to be text`);
  return value;
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined) return value;
  const hint = name === 'vpcId' ? 'vpc-0abc, or use `npm run deploy -- --vpc-id vpc-0abc`' : '...';
  throw new ConfigurationError(`Expected the context ${name}, got none: pass --context ${name}=${hint}`);
}

function synthesizerOf(name: string | undefined): StackContext['synthesizer'] {
  if (name === undefined) return 'default';
  if (name === 'cli-credentials') return name;
  throw new ConfigurationError(
    `Expected the context synthesizer to be cli-credentials or absent, got ${name}`,
  );
}

function encryptionKeyOf(name: string | undefined): EncryptionKey | undefined {
  if (name === undefined || name === 'customer-managed' || name === 'aws-owned') return name;
  throw new ConfigurationError(
    `Expected the context encryptionKey to be customer-managed or aws-owned, got ${name}`,
  );
}

function tagOf(text: string | undefined): WorkspaceTag | undefined {
  if (text === undefined) return undefined;
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) {
    throw new ConfigurationError(`Expected the context workspaceTag to be Key=Value, got ${text}`);
  }
  return { key, value };
}

function policyOf(given: unknown): Partial<PolicySettings> | undefined {
  if (given === undefined || given === '') return undefined;
  const policy = typeof given === 'string' ? parse(given) : given;
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) {
    throw new ConfigurationError(
      `Expected the context policy to be a JSON object, got ${JSON.stringify(given)}`,
    );
  }
  fleetSettings(policy);
  return policy;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
