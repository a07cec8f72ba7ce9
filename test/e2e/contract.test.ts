/** What the fakes promise holds on the emulator too, as far as docs/emulators.md does not say otherwise. */
import { inject } from 'vitest';
import { checkContract, servicesOf } from '../contract/check-contract.ts';
import { sdkBench } from '../contract/sdk-bench.ts';

const { endpointUrl, ec2ProxyUrl } = inject('local');

// An endpoint of the user's own may be anything.
if (inject('emulatorPid') !== 0) {
  checkContract('ministack', () =>
    sdkBench({ services: servicesOf.ministack, url: endpointUrl, ec2Url: ec2ProxyUrl }),
  );
}
