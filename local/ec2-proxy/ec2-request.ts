/** A call to EC2's query protocol, read as far as the proxy needs it. */

export interface Ec2Request {
  readonly action: string;
  /** The ids that the call names by InstanceId.N. */
  readonly instanceIds: readonly string[];
  /** Filter names with their values. */
  readonly filters: ReadonlyMap<string, readonly string[]>;
  readonly dryRun: boolean;
  readonly includeAllInstances: boolean;
}

/** Reads the form that the SDK posts, or the query of a GET. */
export function parseEc2Request(query: string, body: string): Ec2Request {
  const params = new URLSearchParams(body === '' ? query : body);
  return {
    action: params.get('Action') ?? '',
    instanceIds: numbered(params, 'InstanceId'),
    filters: filtersOf(params),
    dryRun: params.get('DryRun') === 'true',
    includeAllInstances: params.get('IncludeAllInstances') === 'true',
  };
}

/** Every instance that the call names, by id or by the `instance-id` filter. */
export function namedInstances(request: Ec2Request): readonly string[] {
  return [...request.instanceIds, ...(request.filters.get('instance-id') ?? [])];
}

function numbered(params: URLSearchParams, prefix: string): string[] {
  const values: string[] = [];
  for (let i = 1; params.has(`${prefix}.${i}`); i += 1) values.push(params.get(`${prefix}.${i}`) ?? '');
  return values;
}

function filtersOf(params: URLSearchParams): Map<string, readonly string[]> {
  const filters = new Map<string, readonly string[]>();
  for (let i = 1; params.has(`Filter.${i}.Name`); i += 1) {
    filters.set(params.get(`Filter.${i}.Name`) ?? '', numbered(params, `Filter.${i}.Value`));
  }
  return filters;
}
