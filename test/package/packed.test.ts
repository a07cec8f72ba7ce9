/** Defib as somebody else gets it: packed, installed into an app of their own, type-checked and synthesised there. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { functionNames } from '../../lambdas/runtime/env-names.ts';
import { packageRoot } from '../../lib/package-root.ts';

const root = packageRoot();
const app = mkdtempSync(path.join(tmpdir(), 'defib-package-'));
const run = (command: string, args: string[], cwd = app) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** An app as JavaScript, which is also right as TypeScript. */
const appCode = `
import { App, Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { AccountRootPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Defib } from 'defib';

const app = new App({ outdir: 'cdk.out' });
const stack = new Stack(app, 'Fleet');
const vpc = new Vpc(stack, 'Vpc');
const defib = new Defib(stack, 'Defib', {
  vpc,
  workspaceSubnets: { subnets: vpc.privateSubnets },
  policy: { settleSeconds: 90 },
});
defib.grantReport(new Role(stack, 'Proxy', { assumedBy: new AccountRootPrincipal() }));
defib.grantOperate(new Role(stack, 'Operator', { assumedBy: new AccountRootPrincipal() }));
defib.grantBeat(new Role(stack, 'Agent', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }));
app.synth();
`;

beforeAll(() => {
  const tarball =
    run('npm', ['pack', '--silent', '--pack-destination', app], root).trim().split('\n').at(-1) ?? '';
  writeFileSync(path.join(app, 'package.json'), '{"name": "fleet", "private": true, "type": "module"}');
  // The CDK is a peer, and large: the app has the one that is here already.
  run('npm', ['install', '--offline', '--legacy-peer-deps', '--no-audit', '--no-fund', `./${tarball}`]);
  for (const peer of ['aws-cdk-lib', 'constructs']) {
    symlinkSync(path.join(root, 'node_modules', peer), path.join(app, 'node_modules', peer));
  }
  writeFileSync(path.join(app, 'app.js'), appCode);
  writeFileSync(path.join(app, 'app.ts'), appCode);
});

afterAll(() => rmSync(app, { recursive: true, force: true }));

test('the package holds the constructs and the functions, and no sources', () => {
  const installed = path.join(app, 'node_modules', 'defib');
  expect(readdirSync(installed).sort()).toEqual(
    ['LICENSE', 'README.md', 'dist', 'package.json'].filter(isThere),
  );
  expect(readdirSync(path.join(installed, 'dist')).sort()).toEqual(['core', 'lambdas', 'lib']);
  expect(readdirSync(path.join(installed, 'dist', 'lambdas')).sort()).toEqual(
    [...functionNames, 'runtime'].sort(),
  );
});

test('an app of TypeScript that uses the construct is type-checked, a wrong one is refused', () => {
  const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'es2022', types: [] };
  writeFileSync(path.join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
  const check = () => {
    const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', '.'], { cwd: app, encoding: 'utf8' });
    return stdout.split('\n').filter((line) => !line.includes('node_modules/aws-cdk-lib/'));
  };
  expect(check()).toEqual(['']);
  writeFileSync(path.join(app, 'app.ts'), appCode.replace('  vpc,\n', ''));
  expect(check()[0]).toMatch(/^app\.ts.*'DefibProps'/);
});

test('an app of CommonJS, as `cdk init` makes them, can require the construct', () => {
  expect(
    run(process.execPath, ['--input-type=commonjs', '-e', "console.log(typeof require('defib').Defib)"]),
  ).toBe('function\n');
});

test('an app of JavaScript is synthesised without a complaint of the CDK, with the functions in its assets', () => {
  run(process.execPath, ['app.js', '--'], app);
  const { Resources } = JSON.parse(
    readFileSync(path.join(app, 'cdk.out', 'Fleet.template.json'), 'utf8'),
  ) as {
    Resources: Record<string, { Type: string; Properties: { Code?: { S3Key: string } } }>;
  };
  const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  const keys = functions.flatMap(({ Properties }) => Properties.Code?.S3Key ?? []);
  const assets = new Set(keys.map((key) => path.join(app, 'cdk.out', `asset.${path.parse(key).name}`)));
  const bundles = [...assets].map((asset) => path.join(asset, 'index.js')).filter((file) => existsSync(file));
  expect(bundles.filter((file) => statSync(file).size > 10_000).length).toBeGreaterThanOrEqual(
    functionNames.length,
  );
  const report = readFileSync(path.join(app, 'cdk.out', 'validation-report.json'), 'utf8');
  expect((JSON.parse(report) as { pluginReports: unknown[] }).pluginReports).toEqual([]);
});

/** The README is written last. */
function isThere(file: string): boolean {
  return existsSync(path.join(root, file));
}
