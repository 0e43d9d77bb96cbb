"""The providers that messages go out by. Each raises only what `stepwell.ports` says.

Their clients must be made without retries (`clients.client(…, retries=False)`): none of the
services takes an idempotency key, so a retry inside botocore after a lost answer would send twice,
and nobody would know.
"""
