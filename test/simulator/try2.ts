import { World } from './world.ts';
import { Lambda } from './lambda.ts';
import { live } from './life.ts';
Error.stackTraceLimit = 0;
const per = new Map<string, number>();
const orig = Lambda.prototype.invoke;
let calm = 0,
  active = 0;
Lambda.prototype.invoke = function (this: Lambda, fn: never, ev: never) {
  per.set(fn, (per.get(fn) ?? 0) + 1);
  return orig.call(this, fn, ev);
} as never;
const b = World.prototype.becomesCalm;
World.prototype.becomesCalm = function (this: World) {
  active += this.time.events;
  return b.call(this);
} as never;
let total = 0,
  calmMs = 0;
const N = Number(process.argv[2]);
const t0 = process.cpuUsage();
for (let s = 1; s <= N; s++) {
  const l = await live({ seed: s, profile: 'swarm', minutes: 20 });
  total += l.steps;
}
const cpu = process.cpuUsage(t0).user / 1e6;
console.log(
  'active',
  active / N,
  'calm',
  (total - active) / N,
  'cpu ms/seed',
  (cpu / N) * 1000,
  'us/event',
  (cpu * 1e6) / total,
);
for (const [k, v] of per) console.log(k, v / N);
