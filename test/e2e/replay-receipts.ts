/** After each file: every receipt that the tests have left behind is judged again, and must say the same again. */
import { afterAll } from 'vitest';
import { replayedReceipts } from './replay.ts';

afterAll(async () => {
  await replayedReceipts();
});
