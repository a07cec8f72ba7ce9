/** A planted bug that speaks of a name that is not there throws, and breaks nothing that it was planted for. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../lib/package-root.ts';
import { edited, editsOf } from './bug.ts';
import { catalogue } from './catalogue.ts';

/** "Cannot find name", with and without a guess, and the same for a shorthand. */
const unknownName: readonly number[] = [2304, 2552, 18004];

test('each bug, planted - uses only names that are there', () => {
  const planted = new Map<string, string>();
  let version = 0;
  const service = ts.createLanguageService(hostOver(planted, () => String(version)));
  const unknown = catalogue.flatMap((bug) => {
    planted.clear();
    version += 1;
    for (const edit of editsOf(bug)) {
      const file = path.join(packageRoot(), edit.file);
      planted.set(file, edited(planted.get(file) ?? readFileSync(file, 'utf8'), edit));
    }
    return [...planted.keys()]
      .flatMap((file) => service.getSemanticDiagnostics(file))
      .filter(({ code }) => unknownName.includes(code))
      .map(({ messageText }) => `${bug.name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
  });
  expect(unknown).toEqual([]);
}, 300_000);

/** The project as it is, with the planted files in place of their own. */
function hostOver(planted: ReadonlyMap<string, string>, version: () => string): ts.LanguageServiceHost {
  const root = packageRoot();
  const config = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const files = [
    ...new Set(catalogue.flatMap((bug) => editsOf(bug).map(({ file }) => path.join(root, file)))),
  ];
  const textOf = (file: string): string | undefined => planted.get(file) ?? ts.sys.readFile(file);
  return {
    getScriptFileNames: () => files,
    getScriptVersion: (file) => (files.includes(file) ? version() : '0'),
    getScriptSnapshot: (file) => {
      const text = textOf(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getCompilationSettings: () => options,
    getDefaultLibFileName: (of) => ts.getDefaultLibFilePath(of),
    fileExists: (file) => ts.sys.fileExists(file),
    readFile: (file) => textOf(file),
  };
}
