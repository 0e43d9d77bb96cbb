"""The AWS infrastructure: a CDK app of three stacks; `infra.local` is the same on one machine."""
