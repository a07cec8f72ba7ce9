import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../lib/package-root.ts';
import { buildFunctions, type Bundle } from '../../scripts/build.ts';
import {
  isOfTheSdk,
  packagesIn,
  reasons,
  runtimePackagesFile,
  runtimePackagesPage,
} from '../../scripts/runtime-packages.ts';

const read = (file: string) => readFileSync(path.join(packageRoot(), file), 'utf8');
const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>;
interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  /** It comes inside of its parent, under the parent's hash. */
  readonly inBundle?: boolean;
}
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };

describe('the packages of npm', () => {
  test('are pinned: each has one exact version', () => {
    const all = {
      ...manifest['dependencies'],
      ...manifest['devDependencies'],
      ...manifest['optionalDependencies'],
    };
    expect(Object.keys(all).length).toBeGreaterThan(20);
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('are locked, each with its hash', () => {
    const locked = Object.entries(packages).filter(
      ([name, { inBundle }]) => name !== '' && inBundle !== true,
    );
    expect(
      locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([name]) => name),
    ).toEqual([]);
  });

  test('run nothing when they are installed, but for those that are allowed to', () => {
    const running = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    const allowed = Object.keys(manifest['allowScripts'] ?? {}).map((name) => `node_modules/${name}`);
    // Optional ones of other systems, which npm leaves out here.
    const known = [...allowed, 'node_modules/fsevents'];
    expect(running.map(([name]) => name).filter((name) => !known.includes(name))).toEqual([]);
  });

  test('are installed without running anything of theirs', () => {
    expect(read('scripts/launch.mjs')).toMatch(/'ci', '--ignore-scripts'/);
  });
});

describe('what CI runs', () => {
  const workflow = read('.github/workflows/ci.yml');

  test('is pinned by commit, installs without scripts, audits, and keeps a bill of materials', () => {
    const actions = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action);
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
    for (const command of ['npm ci --ignore-scripts', 'npm run audit', 'npm run --silent sbom']) {
      expect(workflow).toContain(`run: ${command}`);
    }
  });

  test('is a bill of materials in CycloneDX, which names each package that runs in the functions', () => {
    const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: packageRoot(), encoding: 'utf8' });
    const { bomFormat, components } = JSON.parse(text) as {
      bomFormat: string;
      components: { group?: string; name: string; version: string; hashes?: unknown[] }[];
    };
    expect(bomFormat).toBe('CycloneDX');
    const names = new Set(components.map(({ group, name }) => (group ? `${group}/${name}` : name)));
    expect(Object.keys(reasons).filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('the packages of Python', () => {
  const files = ['local/requirements.txt', 'test/schemathesis/requirements.txt'];

  test.each(files)('in %s are pinned, each with its hashes', (file) => {
    const lines = read(file).replaceAll('\\\n', ' ').split('\n');
    const wanted = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
    expect(wanted.length).toBeGreaterThan(5);
    expect(wanted.filter((line) => !/^[\w.[\]-]+==\S+ .*--hash=sha256:[0-9a-f]{64}/.test(line))).toEqual([]);
  });
});

describe('the packages in the functions', () => {
  let bundles: Bundle[];
  beforeAll(async () => {
    bundles = await buildFunctions();
  }, 60_000);

  test('are at most ten beside the AWS SDK, each with a reason', () => {
    const others = packagesIn(bundles)
      .map(({ name }) => name)
      .filter((name) => !isOfTheSdk(name));
    expect(others).toEqual(Object.keys(reasons).sort());
    expect(others.length).toBeLessThanOrEqual(10);
  });

  test('have changed - the page says so (`node scripts/runtime-packages.ts` writes it)', async () => {
    expect(readFileSync(runtimePackagesFile, 'utf8')).toBe(await runtimePackagesPage(bundles));
  });
});
