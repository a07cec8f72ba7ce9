/**
 * Writes docs/permissions.md: who may do what to which resource, as the synthesised template says it.
 *
 *   node scripts/permissions.ts
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { format } from 'prettier';
import { packageRoot } from '../lib/package-root.ts';
import { exampleStage } from './example-stage.ts';
import { TemplateNames } from './template-names.ts';

export const permissionsFile = path.join(packageRoot(), 'docs', 'permissions.md');

interface Statement {
  readonly Effect: string;
  readonly Action: unknown;
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: object;
}
interface Policy {
  readonly holder: string;
  readonly statements: readonly Statement[];
}
type Resources = Record<string, { readonly Properties: Record<string, unknown> }>;

const introduction = `# Permissions

<!-- Written by scripts/permissions.ts from the synthesised template. A test fails when it is stale. -->

Every role of a stage on AWS, with all that its policies say. \`<State/Table>\` is a resource of the stack, by the path of its
construct. A denial wins over anything that is attached later.
`;

/** The page as the constructs of today make it. */
export async function permissionsPage(): Promise<string> {
  const outdir = mkdtempSync(path.join(tmpdir(), 'defib-permissions-'));
  try {
    const { stack, defib } = exampleStage(outdir);
    const template = Template.fromStack(stack);
    const names = new TemplateNames(defib);
    const find = (type: string) => template.findResources(type) as Resources;
    const text = [
      introduction,
      '## Functions and callers',
      ...rolePolicies(find('AWS::IAM::Policy'), names).map((it) => section(it, names, 'resource')),
      "## The resources' own policies",
      ...ownPolicies(find, names).map((it) => section(it, names, 'principal')),
      '## Who may call the functions',
      invokers(find('AWS::Lambda::Permission'), names),
    ].join('\n\n');
    return await format(text, { parser: 'markdown', printWidth: 110 });
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

function rolePolicies(policies: Resources, names: TemplateNames): Policy[] {
  const byHolder = new Map<string, Statement[]>();
  for (const { Properties } of Object.values(policies)) {
    for (const role of Properties['Roles'] as { Ref: string }[]) {
      const holder = names.of(role.Ref).replace(/\/Role$/, '');
      byHolder.set(holder, [...(byHolder.get(holder) ?? []), ...statementsOf(Properties['PolicyDocument'])]);
    }
  }
  return sorted([...byHolder].map(([holder, statements]) => ({ holder, statements })));
}

function ownPolicies(find: (type: string) => Resources, names: TemplateNames): Policy[] {
  const of = (type: string, document: string, holder: (id: string, it: Record<string, unknown>) => unknown) =>
    Object.entries(find(type)).flatMap(([id, { Properties }]) =>
      Properties[document] === undefined
        ? []
        : [{ holder: names.text(holder(id, Properties)), statements: statementsOf(Properties[document]) }],
    );
  return sorted([
    ...of('AWS::SQS::QueuePolicy', 'PolicyDocument', (_id, { Queues }) => (Queues as unknown[])[0]),
    ...of('AWS::Events::EventBusPolicy', 'Statement', (_id, { EventBusName }) => EventBusName),
    ...of('AWS::KMS::Key', 'KeyPolicy', (id) => ({ Ref: id })),
    ...of('AWS::DynamoDB::GlobalTable', 'ResourcePolicy', (id) => ({ Ref: id })),
  ]);
}

function statementsOf(document: unknown): Statement[] {
  const statements = (document as { Statement?: Statement[] }).Statement ?? (document as Statement);
  return [statements].flat();
}

function section({ holder, statements }: Policy, names: TemplateNames, to: 'resource' | 'principal'): string {
  const rows = statements.flatMap((it) => {
    const targets = to === 'resource' ? [it.Resource].flat() : [it.Principal];
    return targets.map((target) => [
      it.Effect.toLowerCase(),
      names.text(it.Action),
      to === 'resource' ? names.text(target) : principalText(target, names),
      conditionText(it.Condition, names),
    ]);
  });
  return [
    `### ${cell(holder).replaceAll(/[<>]/g, '')}`,
    table(['effect', 'action', to, 'condition'], rows),
  ].join('\n\n');
}

function invokers(permissions: Resources, names: TemplateNames): string {
  const rows = Object.values(permissions).map(({ Properties }) => [
    names.text(Properties['FunctionName']),
    names.text(Properties['Action']),
    names.text(Properties['Principal']),
    names.text(Properties['SourceArn'] ?? 'any'),
  ]);
  return table(['function', 'action', 'principal', 'source'], rows.sort());
}

function principalText(principal: unknown, names: TemplateNames): string {
  if (typeof principal === 'string') return principal;
  return Object.entries(principal as object)
    .map(([kind, who]) => `${kind} ${names.text(who)}`)
    .join(', ');
}

function conditionText(condition: object | undefined, names: TemplateNames): string {
  const clauses = Object.entries(condition ?? {}) as [string, Record<string, unknown>][];
  return clauses
    .flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, value]) => `${key} ${operator} ${names.text(value)}`),
    )
    .join('; ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Names and stars would be read as tags and emphasis, were they not code; a bar would end the cell. */
function cell(text: string): string {
  return /[<*$|]/.test(text) ? `\`${text.replaceAll('|', '\\|')}\`` : text;
}

const sorted = (policies: Policy[]) => policies.sort((a, b) => (a.holder < b.holder ? -1 : 1));

if (import.meta.main) {
  const page = await permissionsPage();
  const before = readFileSync(permissionsFile, { encoding: 'utf8', flag: 'a+' });
  if (page !== before) writeFileSync(permissionsFile, page);
}
