"""A key of the stage that others have too (of the inbox, of webhooks), as it is and as it was
before it was last changed.

They take some time to learn of a new key, so that the one before is good until it is changed once
more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEPT = timedelta(minutes=5)
"""How long they are remembered."""
ASKED_AGAIN = timedelta(seconds=30)
"""How soon they are read again for a token that neither has signed: it may have a newer key."""


@dataclass
class SharedKeys:
    client: SecretsManagerClient
    secret_arn: str
    _keys: tuple[str, ...] = ()
    _read_at: datetime | None = field(default=None)

    def keys(self, now: datetime, *, newer: bool = False) -> tuple[str, ...]:
        """The newest first. `newer`: those that were remembered did not do."""
        age = now - self._read_at if self._read_at else None
        if age is None or age >= (ASKED_AGAIN if newer else KEPT):
            self._keys, self._read_at = tuple(self._read()), now
        return self._keys

    def _read(self) -> list[str]:
        current = self.client.get_secret_value(SecretId=self.secret_arn)["SecretString"]
        try:
            before = self.client.get_secret_value(
                SecretId=self.secret_arn, VersionStage="AWSPREVIOUS"
            )["SecretString"]
        except self.client.exceptions.ResourceNotFoundException:
            return [current]
        return [current, before]
