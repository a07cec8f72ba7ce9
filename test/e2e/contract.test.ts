/** What the fakes promise holds on the emulator too, as far as docs/emulators.md does not say otherwise. */
import { checkContract, servicesOf } from '../contract/check-contract.ts';
import { sdkBench } from '../contract/sdk-bench.ts';
import { ownStack } from './stacks.ts';

const { info, emulatorPid } = ownStack();

// An endpoint of the user's own may be anything.
if (emulatorPid !== 0) {
  checkContract('ministack', () =>
    sdkBench({ services: servicesOf.ministack, url: info.endpointUrl, ec2Url: info.ec2ProxyUrl }),
  );
}
