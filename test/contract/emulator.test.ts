/** One emulator, as test/contract/main.ts has started it. */
import { inject } from 'vitest';
import { checkContract, servicesOf } from './check-contract.ts';
import './provided.ts';
import { sdkBench } from './sdk-bench.ts';

const { emulator, url, ec2Url } = inject('contract');
checkContract(emulator, () => sdkBench({ services: servicesOf[emulator], url, ec2Url }));
