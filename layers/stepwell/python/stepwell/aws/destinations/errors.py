"""botocore's errors as the two that a hand-over knows: refused, and away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stepwell.aws.providers.errors import send_errors
from stepwell.handover.errors import DestinationAwayError, DestinationRefusedError
from stepwell.ports import OutcomeUnknownError, ProviderError


@contextmanager
def told_errors() -> Iterator[None]:
    """Around the one call that tells. Raises DestinationRefusedError or DestinationAwayError."""
    try:
        with send_errors():
            yield
    except ProviderError as error:
        kind = DestinationAwayError if error.may_go_later else DestinationRefusedError
        raise kind(error.code) from error
    except OutcomeUnknownError as error:
        raise DestinationAwayError(str(error)) from error
