/**
 * The model of claim and heartbeat (spec/claim.qnt), and the code held to it: each action of a trace is done to the real
 * handlers and adapters too, and after each the two worlds must be the same.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { rowOf } from './abstraction.ts';
import { runModel, witnesses, type ModelResult, type Step } from './model-run.ts';
import { Replay } from './replay.ts';

let run: ModelResult;
beforeAll(() => {
  run = runModel({ samples: 120, steps: 100, seed: 0x1357bd, traces: 30 });
}, 120_000);

describe('the model of claim and heartbeat', () => {
  test('breaks none of its invariants', () => {
    expect(run.output).toContain('No violation found');
    expect(run.exitCode).toBe(0);
  });

  test.each(witnesses)('gets to where invariants are put to the test: %s', (witness) => {
    const seen = new RegExp(`${witness} was witnessed in (\\d+) trace`).exec(run.output);
    expect(Number(seen?.[1])).toBeGreaterThan(0);
  });
});

describe('the code', () => {
  test('does, action by action, what the model does', async () => {
    expect(run.traces).toHaveLength(30);
    for (const trace of run.traces) await replayed(trace);
  }, 60_000);
});

async function replayed(trace: readonly Step[]): Promise<void> {
  const replay = new Replay();
  const story: string[] = [];
  for (const step of trace) {
    story.push(`${step.action} ${JSON.stringify(step.picks)}`);
    await replay.does(step);
    expect(codeSees(replay, step), story.join('\n')).toEqual(modelSees(step));
  }
}

function modelSees({ world }: Step) {
  return {
    row: world.row,
    hands: Object.fromEntries([...world.hands].map(([pid, { todo }]) => [pid, todo])),
    machines: Object.fromEntries(
      [...world.machines].map(([id, { up, launch, boot, seq }]) => [id, { up, launch, boot, seq }]),
    ),
    acts: world.acts.map(({ what, instance }) => ({ what, instance })),
    reprobes: distinct(world.reprobes.map(({ verdict, generation }) => `${verdict} of ${generation}`)),
    orders: distinct(world.orders.map(({ token, epoch }) => `${token} in ${epoch}`)),
  };
}

function codeSees({ world, names }: Replay, step: Step) {
  const row = rowOf(world.table.item('WS#ws-1', 'STATE'), step.world.row, names);
  return {
    row,
    hands: Object.fromEntries([...step.world.hands.keys()].map((pid) => [pid, world.hand(pid).todo])),
    machines: Object.fromEntries(
      [...world.machines].map(([id, { up, launch, boot, seq }]) => [id, { up, launch, boot, seq }]),
    ),
    acts: world.acts,
    reprobes: distinct(
      world.reprobes.map((sent) => `${names.number(sent.verdictId, 0)} of ${sent.generation}`),
    ),
    orders: distinct(world.orders.map((sent) => `${names.number(sent.token, 0)} in ${sent.epoch}`)),
  };
}

const distinct = (texts: readonly string[]) => [...new Set(texts)].sort();
