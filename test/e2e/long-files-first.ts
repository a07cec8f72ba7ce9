/** Begins with the end-to-end files that take longest, so that none of them is left alone at the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const longFiles = [
  'brake',
  'soak',
  'crash-delivering',
  'crash-ending',
  'restarts-under-faults',
  'schemathesis',
  'forward-errors',
  'crash-two-at-once',
];

export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const endToEnd = sorted.filter(isEndToEnd).toSorted((one, other) => rankOf(one) - rankOf(other));
    // The files of other projects keep their places.
    return sorted.map((file) => (isEndToEnd(file) ? (endToEnd.shift() ?? file) : file));
  }
}

const isEndToEnd = ({ project }: TestSpecification): boolean => ['e2e', 'e2e-brake'].includes(project.name);

function rankOf({ moduleId }: TestSpecification): number {
  const rank = longFiles.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return rank === -1 ? longFiles.length : rank;
}
