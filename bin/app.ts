/** The CDK app, `cdk.json` runs it: one stack, made from the context. See context.ts for what may be said there. */
import { App, CliCredentialsStackSynthesizer, type IStackSynthesizer } from 'aws-cdk-lib';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { DefibStack } from '../lib/defib-stack.ts';
import { readContext } from './context.ts';

/** Where the credentials lead, as the CDK's command line found out. */
function accountAndRegion(): { account: string; region: string } {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
  if (account !== undefined && region !== undefined) return { account, region };
  throw new ConfigurationError(
    'Expected credentials of an AWS account, got none: set AWS_PROFILE and AWS_REGION',
  );
}

try {
  const app = new App();
  const { synthesizer, ...props } = readContext((name) => app.node.tryGetContext(name) as unknown);
  new DefibStack(app, 'Defib', {
    ...props,
    description: 'Defib: tells a dead agent from a busy one, and restarts only the dead',
    // A local stage may be anywhere; a VPC is looked up in one account and region.
    ...(props.local === undefined && { env: accountAndRegion() }),
    ...(synthesizer === 'cli-credentials' && {
      synthesizer: new CliCredentialsStackSynthesizer() as IStackSynthesizer,
    }),
  });
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.error(`defib: ${error.message}`);
  process.exitCode = 1;
}
