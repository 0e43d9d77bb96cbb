"""Stepwell's engine: models and pure rules by subject.

Written once, imported by Lambda functions, tests, infrastructure and the command line alike. Only
`stepwell.aws` knows boto3, the environment and the clock; everywhere else time, ids and stores are
arguments. `journeys.compiler`, `cli` and `simulation` are design-time parts that are left out of
the deployed layer.
"""
