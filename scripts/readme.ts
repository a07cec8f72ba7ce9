/**
 * Puts the examples into the README: each block that begins with "```ts FILE" holds examples/FILE, word for word.
 *
 *   node scripts/readme.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
export const readmeFile = path.join(root, 'README.md');

/** The text with every example as the examples folder has it. */
export function withExamples(markdown: string): string {
  return markdown.replaceAll(/```ts ([\w-]+\.ts)\n[^]*?```/g, (_block, file: string) => {
    const code = readFileSync(path.join(root, 'examples', file), 'utf8').trimEnd();
    return `\`\`\`ts ${file}\n${code}\n\`\`\``;
  });
}

if (import.meta.main) writeFileSync(readmeFile, withExamples(readFileSync(readmeFile, 'utf8')));
