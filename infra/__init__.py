"""The AWS infrastructure: a CDK app of three stacks, and the same stack on one machine (`infra.local`)."""
