import { CfnElement, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Says what a template refers to by the names of our constructs, as logical ids mean nothing to a reader. */
export class TemplateNames {
  readonly #names = new Map<string, string>();

  /** Names are paths below `root`. */
  constructor(root: IConstruct) {
    for (const node of Stack.of(root).node.findAll()) {
      if (!(node instanceof CfnElement)) continue;
      const logicalId = Stack.of(root).resolve(node.logicalId) as string;
      this.#names.set(logicalId, nameOf(node.node.path, root.node.path));
    }
  }

  of(logicalId: string): string {
    return this.#names.get(logicalId) ?? logicalId;
  }

  /** A resolved value as one line of text. The ARN of a resource is its name. */
  text(value: unknown): string {
    if (typeof value === 'string') return value;
    if (Array.isArray(value)) return value.map((it) => this.text(it)).join(', ');
    const [name, argument] = Object.entries(value as object)[0] as [string, unknown];
    if (name === 'Ref') return refersTo(argument as string, this.of(argument as string));
    if (name === 'Fn::GetAtt') {
      const [logicalId, attribute] = argument as [string, string];
      return `<${this.of(logicalId)}${attribute === 'Arn' ? '' : `.${attribute}`}>`;
    }
    if (name === 'Fn::Join') return this.#joined(argument as [string, unknown[]]);
    return JSON.stringify(value);
  }

  #joined([separator, parts]: [string, unknown[]]): string {
    return parts.map((part) => this.text(part)).join(separator);
  }
}

const refersTo = (logicalId: string, name: string) =>
  logicalId.startsWith('AWS::') ? `\${${logicalId.slice('AWS::'.length)}}` : `<${name}>`;

/** The path below the root or else the stack, without the ends that the CDK adds to each of its constructs. */
function nameOf(path: string, rootPath: string): string {
  const below = path.startsWith(`${rootPath}/`)
    ? path.slice(rootPath.length + 1)
    : path.replace(/^[^/]+\//, '');
  return below.replace(/\/(Resource|Default)$/, '');
}
