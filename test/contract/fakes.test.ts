/** The fakes keep the contract that the emulators are checked by. */
import { checkContract } from './check-contract.ts';
import { fakesBench } from './fakes-bench.ts';

checkContract('fakes', () => Promise.resolve(fakesBench()));
