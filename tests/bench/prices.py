"""AWS list prices, and what counted work costs by them.

US East (N. Virginia), beyond free tiers, without discounts, as noted in November 2026. Prices
change: each names the page that has it, to be looked up before anybody relies on a sum. Data
transfer, logs and the channels' own fees are apart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million of the unit."""

    per_million: float
    unit: str
    source: str


PRICES = {
    "transition": Price(25.0, "state transitions", "aws.amazon.com/step-functions/pricing"),
    "express": Price(1.0, "Express requests", "aws.amazon.com/step-functions/pricing"),
    "express_time": Price(16.67, "GB-seconds of Express", "aws.amazon.com/step-functions/pricing"),
    "invocation": Price(0.20, "invocations", "aws.amazon.com/lambda/pricing"),
    "function_time": Price(13.3334, "GB-seconds on arm64", "aws.amazon.com/lambda/pricing"),
    "write": Price(0.625, "write request units", "aws.amazon.com/dynamodb/pricing/on-demand"),
    "read": Price(0.125, "read request units", "aws.amazon.com/dynamodb/pricing/on-demand"),
    "queue": Price(0.50, "FIFO requests", "aws.amazon.com/sqs/pricing"),
    "http": Price(3.50, "REST API requests", "aws.amazon.com/api-gateway/pricing"),
}

MEMORY_GB = 0.5
EXPRESS_MEMORY_GB = 0.0625
CALL_SECONDS = 0.006
"""Assumed, not measured: one call to DynamoDB, SQS or Step Functions inside a Region."""
PROVIDER_SECONDS = 0.1
"""Assumed: one call to SES or SNS."""
OWN_SECONDS = 0.004
"""Assumed: a warm function's own work."""


@dataclass(slots=True)
class Bill:
    """Amounts by the names of PRICES."""

    amounts: dict[str, float]

    def dollars(self) -> float:
        """What the amounts cost; for a million of what was counted, give amounts per one."""
        return sum(PRICES[name].per_million * amount for name, amount in self.amounts.items())

    def lines(self) -> str:
        """The largest parts, for the table's note."""
        costs = {name: PRICES[name].per_million * each for name, each in self.amounts.items()}
        largest = sorted(costs.items(), key=lambda part: -part[1])[:4]
        return ", ".join(f"{name.replace('_', ' ')} ${cost:.2f}" for name, cost in largest if cost)


def function_seconds(calls: float, provider_calls: float, invocations: float) -> float:
    """Seconds that functions are paid for, by the assumptions above."""
    return calls * CALL_SECONDS + provider_calls * PROVIDER_SECONDS + invocations * OWN_SECONDS
