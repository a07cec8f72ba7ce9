/** Plants a bug: modules that are loaded from then on, in this thread, are those of the colleague. */
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';
import { packageRoot } from '../../../lib/package-root.ts';
import { edited, type Edit } from './bug.ts';

/** Gives a question: which of the edits have been loaded. */
export function plant(edits: readonly Edit[]): () => number {
  const planted = new Set<Edit>();
  const byUrl = Map.groupBy(edits, ({ file }) => pathToFileURL(path.join(packageRoot(), file)).href);
  registerHooks({
    load(url, context, nextLoad) {
      const here = byUrl.get(url);
      if (!here) return nextLoad(url, context);
      for (const edit of here) planted.add(edit);
      const source = here.reduce(edited, readFileSync(new URL(url), 'utf8'));
      return { format: 'module-typescript', shortCircuit: true, source };
    },
  });
  return () => planted.size;
}
