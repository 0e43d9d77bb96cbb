"""HMACs with the stage's secret, which is read from Secrets Manager once a process."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SecretHasher:
    """`hasher(kind, value)` is 32 hexadecimal digits; guesses need the secret to be tested."""

    def __init__(self, client: SecretsManagerClient, secret_arn: str) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._secret: bytes | None = None

    def __call__(self, kind: str, value: str) -> str:
        if self._secret is None:
            answer = self._client.get_secret_value(SecretId=self._secret_arn)
            self._secret = answer["SecretString"].encode()
        text = f"{kind}\n{value}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]
