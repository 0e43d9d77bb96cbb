"""Signatures for an API whose routes ask for IAM authorization."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


class NoCredentialsError(Exception):
    """No AWS credentials are configured; the message says what to do."""


def signed_headers(method: str, url: str, body: bytes | None = None) -> Mapping[str, str]:
    """The headers that authorize this request with the caller's AWS credentials."""
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise NoCredentialsError(
            "no AWS credentials found: sign in first, for example with `aws sso login`"
        )
    region = (urlsplit(url).hostname or "").split(".execute-api.")[1].split(".")[0]
    request = AWSRequest(method=method, url=url, data=body)
    SigV4Auth(credentials.get_frozen_credentials(), "execute-api", region).add_auth(request)
    return dict(request.headers.items())
