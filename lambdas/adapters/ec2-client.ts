/**
 * The two names of the EC2 SDK that probing needs. Loaded by a dynamic `import()` of this file, not of the SDK: of a
 * package that is imported dynamically the bundler must keep every export, and this one has hundreds.
 */
export { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
