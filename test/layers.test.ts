/** Imports go bin -> lib -> core <- lambdas, and a use case knows no AWS: read from the imports of all files. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../lib/package-root.ts';

const root = packageRoot();
const folders = ['bin', 'core', 'demo', 'examples', 'lambdas', 'lib', 'local', 'scripts', 'soak', 'test'];

interface Import {
  readonly from: string;
  /** A file of the project, or a package's name as it is written. */
  readonly to: string;
  readonly kind: 'file' | 'package';
}

const files = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }));

function importsOf(from: string): Import[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(path.join(root, from), 'utf8'), true, true);
  return importedFiles.map(({ fileName }) =>
    fileName.startsWith('.')
      ? { from, to: path.join(path.dirname(from), fileName), kind: 'file' }
      : { from, to: fileName, kind: 'package' },
  );
}

const imports = files.flatMap(importsOf);
const within = (folder: string) => (file: string) => file.startsWith(`${folder}/`);
const said = ({ from, to }: Import) => `${from} -> ${to}`;

/** Imports of the files in a folder that go to a file which none of these lets through. */
function strayFiles(folder: string, ...allowed: ((file: string) => boolean)[]): string[] {
  const own = imports.filter(({ from, kind }) => within(folder)(from) && kind === 'file');
  return own.filter(({ to }) => ![within(folder), ...allowed].some((allows) => allows(to))).map(said);
}

function packagesOf(isOne: (file: string) => boolean, unwanted: RegExp): string[] {
  return imports
    .filter(({ from, to, kind }) => isOne(from) && kind === 'package' && unwanted.test(to))
    .map(said);
}

const envNames = (file: string) => file === 'lambdas/runtime/env-names.ts';

test('imports were found at all', () => {
  for (const folder of ['bin', 'core', 'lambdas', 'lib']) {
    expect(imports.some(({ from }) => within(folder)(from))).toBe(true);
  }
});

describe('core', () => {
  test('imports only core, and no package', () => {
    expect(strayFiles('core')).toEqual([]);
    expect(packagesOf(within('core'), /./)).toEqual([]);
  });
});

describe('lambdas', () => {
  test('import lambdas and core', () => {
    expect(strayFiles('lambdas', within('core'))).toEqual([]);
  });

  const useCase = (file: string) =>
    /^lambdas\/(?!adapters|runtime|schemas)[\w-]+\//.test(file) && !file.endsWith('/index.ts');

  test('have use cases that know ports alone: no SDK, no Node, no adapter', () => {
    expect(files.filter(useCase).length).toBeGreaterThan(0);
    expect(packagesOf(useCase, /^(@aws-sdk|@aws-lambda-powertools|@smithy|node:)/)).toEqual([]);
    expect(
      imports.filter(({ from, to }) => useCase(from) && within('lambdas/adapters')(to)).map(said),
    ).toEqual([]);
  });

  test('leave the power over instances to restart', () => {
    const users = imports.filter(({ to }) => to === 'lambdas/adapters/ec2-power.ts').map(({ from }) => from);
    expect(users.filter((from) => !within('test')(from))).toEqual(['lambdas/restart/index.ts']);
  });
});

describe('lib', () => {
  test('imports lib and core, and of the functions the names they share', () => {
    expect(strayFiles('lib', within('core'), envNames)).toEqual([]);
  });

  test('needs the CDK and nothing else: the published package has no dependencies', () => {
    expect(packagesOf(within('lib'), /^(?!aws-cdk-lib(\/|$)|constructs$|node:)/)).toEqual([]);
  });
});

test('bin imports lib and core, and builds by scripts', () => {
  expect(strayFiles('bin', within('lib'), within('core'), within('scripts'))).toEqual([]);
});

test('no file that is deployed or shown imports itself by way of others', () => {
  const next = Map.groupBy(
    imports.filter(({ from, kind }) => kind === 'file' && !within('test')(from)),
    ({ from }) => from,
  );
  const isDone = new Set<string>();
  const circleFrom = (file: string, way: readonly string[]): string | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file].join(' -> ');
    if (isDone.has(file)) return undefined;
    for (const { to } of next.get(file) ?? []) {
      const circle = circleFrom(to, [...way, file]);
      if (circle !== undefined) return circle;
    }
    isDone.add(file);
    return undefined;
  };
  expect([...next.keys()].flatMap((file) => circleFrom(file, []) ?? [])).toEqual([]);
});

test('nothing but tests imports tests, and nothing that is deployed knows the local stack, the demo or the soak', () => {
  const outside = imports.filter(({ from, kind }) => kind === 'file' && !within('test')(from));
  expect(outside.filter(({ to }) => within('test')(to)).map(said)).toEqual([]);
  const onlyHere = (file: string) => ['local', 'demo', 'soak'].some((folder) => within(folder)(file));
  const deployed = outside.filter(({ from }) => !onlyHere(from));
  expect(deployed.filter(({ to }) => onlyHere(to)).map(said)).toEqual([]);
});
