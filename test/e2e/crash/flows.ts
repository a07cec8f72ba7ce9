/** What is done to a workspace's requests: each flow is run once without a fault, and then with each fault there is. */
import { answered, type Turn } from './agent.ts';
import { beat, cancel, late, never, redrive, report, soon, untilEnded, type Patience } from './callers.ts';
import type { World } from './world.ts';

export interface Flow {
  readonly name: string;
  /** Arranges the world and starts those who act in it. */
  readonly begin: (world: World) => Promise<void>;
  /** Other ends that are right when somebody gave up: each in the words of {@link endOf}'s `told`. */
  readonly alsoRight?: readonly string[];
}

const failing: Turn = { answer: { kind: 'failed', because: 'reset' } };
const pausedFor = (world: World, ms: number) => ({
  pause: { by: 'role/operator', reason: 'a test', untilMs: world.time.nowMs + ms },
});

/** Writes that are not counted meet no fault: they belong to another flow, or repeat what was tried already. */
function count(world: World, whether: boolean): void {
  world.writes.counting = whether;
}

function parking(name: string, patience: Patience, alsoRight: readonly string[] = []): Flow {
  return {
    name,
    alsoRight,
    begin: async (world) => {
      await world.register();
      world.play(async () => {
        await report(world, patience, { id: 'r-1' });
        // What comes after the call is the same for every caller.
        count(world, patience === soon);
      });
    },
  };
}

function cancelling(name: string, patience: Patience, alsoRight: readonly string[] = []): Flow {
  return {
    name,
    alsoRight,
    begin: async (world) => {
      await world.register(pausedFor(world, 10 * 60_000));
      count(world, false);
      world.play(async () => {
        const requestId = (await report(world, soon, { id: 'r-1' })) ?? '';
        await world.time.sleep(20_000);
        count(world, true);
        await cancel(world, patience, requestId);
      });
    },
  };
}

/** The message comes back after 5, 10 and 20 s, the sweep each full minute: what comes first ends it. */
function expiring(name: string, { afterSeconds = 0, expiresInSeconds = 0 }): Flow {
  return {
    name,
    begin: async (world) => {
      count(world, false);
      await world.register(pausedFor(world, 60 * 60_000));
      world.play(async () => {
        await world.time.sleep(afterSeconds * 1000);
        await report(world, soon, { id: 'r-1', more: { expiresInSeconds } });
        count(world, true);
      });
    },
  };
}

function redriving(
  name: string,
  patience: Patience,
  which: (requestId: string) => Record<string, unknown>,
  alsoRight: readonly string[] = [],
): Flow {
  return {
    name,
    alsoRight,
    begin: async (world) => {
      await world.register();
      count(world, false);
      world.instance.privateIp = '192.0.2.1';
      world.play(async () => {
        const requestId = (await report(world, soon, { id: 'r-1' })) ?? '';
        await untilEnded(world, requestId);
        world.instance.privateIp = '10.0.1.5';
        await world.time.sleep(60_000);
        count(world, true);
        await redrive(world, patience, which(requestId));
        count(world, patience === soon && 'requestIds' in which(requestId));
      });
    },
  };
}

/** The first look finds the instance stopped, so the request is held by a verdict that another function concludes. */
function held(
  name: string,
  end: { readonly verdict: 'busy' | 'dead' | 'pending'; readonly reason: 'heartbeat-fresh' | 'stopped' },
): Flow {
  return {
    name,
    begin: async (world) => {
      await world.register();
      world.instance.state = 'stopped';
      // How it begins is tried where the verdict comes soon.
      count(world, end.verdict !== 'pending');
      world.play(async () => {
        const requestId = (await report(world, soon, { id: 'r-1', kind: 'refused' })) ?? '';
        const verdictId = (await world.ledger.read(requestId))?.heldBy ?? '';
        world.instance.state = 'running';
        await world.time.sleep(5000);
        if (end.verdict === 'pending') {
          // One look at a held request is like the next: there is one each two seconds.
          await world.time.sleep(83_000);
          count(world, true);
          await untilEnded(world, requestId);
          await world.forgetEvidence(verdictId);
        } else await world.concludeVerdict(verdictId, end.verdict, end.reason);
      });
    },
  };
}

/** A request that may not go twice; what the agent makes of the first copy. */
function onceOnly(name: string, turn: Turn, alsoRight: readonly string[] = []): Flow {
  return {
    name,
    alsoRight,
    begin: async (world) => {
      count(world, false);
      await world.register({ settlesForMs: 10_000 });
      world.agent.script = () => turn;
      world.play(async () => {
        await report(world, soon, { id: 'r-1', kind: 'refused', more: { onAmbiguous: 'refuse' } });
        count(world, true);
      });
    },
  };
}

const neverPromised = 'nothing';

/** Until the agent has a request, or is not to have it. */
export const delivering: readonly Flow[] = [
  parking('park and deliver, the caller repeats', soon),
  parking('park and deliver, the caller repeats late', late),
  parking('park and deliver, the caller never repeats', never, [neverPromised]),
  {
    name: 'deliver when the settle window is over, a long turn',
    begin: async (world) => {
      await world.register({ settlesForMs: 10_000 });
      world.agent.script = () => ({ ...answered(200), tookMs: 65_000 });
      world.play(async () => {
        await report(world, soon, { id: 'r-1', kind: 'refused' });
      });
    },
  },
  {
    name: 'deliver to an agent that fails twice',
    begin: async (world) => {
      count(world, false);
      await world.register({ settlesForMs: 10_000 });
      world.agent.script = (copy) => [failing, answered(503)][copy - 1] ?? answered(200);
      world.play(async () => {
        await report(world, soon, { id: 'r-1', kind: 'refused' });
        count(world, true);
      });
    },
  },
  {
    name: 'the agent refuses',
    begin: async (world) => {
      await world.register();
      world.agent.script = () => answered(404);
      world.play(async () => {
        await report(world, soon, { id: 'r-1' });
      });
    },
  },
  held('held, and released by the verdict', { verdict: 'busy', reason: 'heartbeat-fresh' }),
  held('held, and refused by the verdict', { verdict: 'dead', reason: 'stopped' }),
  held('held by a verdict that never comes', { verdict: 'pending', reason: 'stopped' }),
  {
    name: 'woken by the first beat of a boot',
    begin: async (world) => {
      count(world, false);
      await world.register({ settlesForMs: 10 * 60_000 });
      world.play(async () => {
        await report(world, soon, { id: 'r-1', kind: 'refused' });
        await world.time.sleep(60_000);
        count(world, true);
        await beat(world, soon);
      });
    },
  },
  onceOnly('may not go twice, and the agent fails', failing),
  onceOnly('may not go twice, and the agent answers', answered(200), ['refused/ambiguous']),
];

/** Ends without a delivery, and what may follow them. */
export const ending: readonly Flow[] = [
  cancelling('cancel, the owner repeats', soon),
  cancelling('cancel, the owner never repeats', never, ['delivered']),
  expiring('expire, found by deliver', { expiresInSeconds: 8 }),
  expiring('expire, found by the sweep', { afterSeconds: 45, expiresInSeconds: 12 }),
  {
    name: 'dead-letter after five failures',
    begin: async (world) => {
      await world.register();
      count(world, false);
      world.agent.script = (copy) => {
        count(world, copy >= 4);
        return answered(500);
      };
      world.play(async () => {
        await report(world, soon, { id: 'r-1' });
      });
    },
  },
  {
    name: 'poison: the instance restarts at each attempt',
    begin: async (world) => {
      await world.register();
      count(world, false);
      world.agent.script = (copy) => {
        count(world, copy >= 2);
        world.instance.launchTimeMs = world.time.nowMs;
        return failing;
      };
      world.play(async () => {
        await report(world, soon, { id: 'r-1' });
      });
    },
  },
  redriving('redrive by name, the operator repeats', soon, (id) => ({ requestIds: [id] })),
  redriving('redrive by name, the operator repeats late', late, (id) => ({ requestIds: [id] })),
  redriving('redrive of the latest, the operator repeats', soon, () => ({})),
  redriving('redrive of the latest, the operator repeats late', late, () => ({})),
  redriving('redrive by name, the operator never repeats', never, (id) => ({ requestIds: [id] }), [
    'dead-lettered/address-outside-subnets',
  ]),
];

/** Those that are also tried with two copies of everything at once. */
export const flowsForTwo: readonly string[] = [
  'park and deliver, the caller repeats',
  'cancel, the owner repeats',
  'expire, found by the sweep',
  'redrive by name, the operator repeats',
];
