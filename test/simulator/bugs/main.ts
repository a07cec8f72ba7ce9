/** `npm run simulate:bugs`: plants each bug of the catalogue and says how long the simulator takes to find it. */
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { catalogue } from './catalogue.ts';
import { hunt, type Hunted } from './hunt.ts';

const program = new Command('npm run simulate:bugs --')
  .description('Plants each seeded bug and lets the simulator look for it. Exits with 1 when one survives.')
  .option('--seeds <number>', 'lives of the profile that each bug is given', '5000')
  .option('--minutes <number>', 'how long things go wrong in each life', '20')
  .option('--only <names>', 'only these bugs, separated by commas')
  .option('--jobs <number>', 'bugs that are looked for at once', String(availableParallelism()))
  .parse();
const options = program.opts<{ seeds: string; minutes: string; only?: string; jobs: string }>();
const wanted = options.only?.split(',');
const unknown = wanted?.filter((name) => !catalogue.some((bug) => bug.name === name)) ?? [];
if (unknown.length > 0) program.error(`There is no bug ${unknown.join(', ')}.`);
const bugs = catalogue.filter(({ name }) => !wanted || wanted.includes(name));

const width = Math.max(...bugs.map(({ name }) => name.length));
const line = ({ bug, finding, seconds }: Hunted): string => {
  const found =
    finding.kind === 'found'
      ? `seed ${String(finding.seed).padStart(4)}  ${finding.invariant.padEnd(4)}`
      : `SURVIVED ${options.seeds}`;
  return `${bug.name.padEnd(width)}  ${bug.profile.padEnd(9)}  ${found}  ${seconds.toFixed(1).padStart(6)} s`;
};
const all = await hunt(
  bugs,
  { seeds: Number(options.seeds), minutes: Number(options.minutes), jobs: Number(options.jobs) },
  (hunted) => {
    process.stdout.write(
      `${line(hunted)}  ${hunted.finding.kind === 'found' ? hunted.finding.what : hunted.bug.says}\n`,
    );
  },
);
const survivors = all.filter(({ finding }) => finding.kind === 'survived');
process.stdout.write(`\n${all.length - survivors.length} of ${all.length} bugs found\n`);
process.exitCode = survivors.length > 0 ? 1 : 0;
