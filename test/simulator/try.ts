import { live } from './life.ts';
const [from, n, profile='swarm', minutes='20'] = process.argv.slice(2);
const t = performance.now(); let ev=0, inv=0, ms=0; let bad=0; const kinds = new Map<string,string[]>(); const counts=new Map<string,number>();
for (let s=Number(from); s<Number(from)+Number(n); s++) {
  const t1=performance.now();
  const l = await live({seed:s, profile: profile as never, minutes:Number(minutes)}, {keepsLines: n==='1'});
  const took=performance.now()-t1; if (took>2000) console.log('slow', s, took, l.steps);
  ev+=l.steps; inv+=l.invocations; ms+=l.workspaceMs;
  for (const [k,v] of l.counts) counts.set(k,(counts.get(k)??0)+v);
  if (l.violations.length) { bad++; const v=l.violations[0]!; const k=v.invariant+' '+v.what.replace(/[0-9A-Z]{26}/g,'ID').replace(/\d+/g,'N'); const a=kinds.get(k)??[]; a.push(String(s)); kinds.set(k,a); }
  if (n==='1') { for (const x of l.lines) console.log(new Date(x.atMs).toISOString().slice(11,23), x.who.padEnd(18), x.what); console.log(l.violations, l.hash); }
}
const secs=process.cpuUsage().user/1e6;
console.log(n,'seeds',secs.toFixed(1),'s', (Number(n)/secs).toFixed(0),'seeds/s', ev/Number(n),'events/seed', inv/Number(n),'inv/seed', (ms/Number(n)/60000).toFixed(1),'ws-min/seed', (secs*1e6/ev).toFixed(2),'us/event', 'bad',bad);
for (const [k,a] of [...kinds].sort((a,b)=>b[1].length-a[1].length)) console.log(a.length, k, a.slice(0,6).join(' '));
if (process.env.COUNTS) for (const [k,v] of [...counts].sort()) console.log(v,k);
