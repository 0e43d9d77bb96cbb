"""boto3 clients, made once a process and only when first used."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_pinpoint import PinpointClient
    from mypy_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_socialmessaging import EndUserMessagingSocialClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

CONNECT_SECONDS = 2
READ_SECONDS = 10


class EndpointError(Exception):
    """AWS is said to be where no address is; the message is for who set it."""


@overload
def client(service: Literal["apigateway"], *, retries: bool = True) -> APIGatewayClient: ...
@overload
def client(service: Literal["dynamodb"], *, retries: bool = True) -> DynamoDBClient: ...
@overload
def client(service: Literal["lambda"], *, retries: bool = True) -> LambdaClient: ...
@overload
def client(service: Literal["pinpoint"], *, retries: bool = True) -> PinpointClient: ...
@overload
def client(
    service: Literal["pinpoint-sms-voice-v2"], *, retries: bool = True
) -> PinpointSMSVoiceV2Client: ...
@overload
def client(
    service: Literal["socialmessaging"], *, retries: bool = True
) -> EndUserMessagingSocialClient: ...
@overload
def client(service: Literal["s3"], *, retries: bool = True) -> S3Client: ...
@overload
def client(service: Literal["secretsmanager"], *, retries: bool = True) -> SecretsManagerClient: ...
@overload
def client(service: Literal["sesv2"], *, retries: bool = True) -> SESV2Client: ...
@overload
def client(service: Literal["sns"], *, retries: bool = True) -> SNSClient: ...
@overload
def client(service: Literal["sqs"], *, retries: bool = True) -> SQSClient: ...
@overload
def client(service: Literal["stepfunctions"], *, retries: bool = True) -> SFNClient: ...
@overload
def client(service: Literal["sts"], *, retries: bool = True) -> STSClient: ...
@overload
def client(service: str, *, retries: bool = True) -> Any: ...
def client(service: str, *, retries: bool = True) -> Any:
    """The process's client of a service.

    `retries=False` turns botocore's own retries off: for sends, where a retry after a lost answer
    would send twice.
    """
    return _make(service, retries)


@cache
def _make(service: str, retries: bool) -> Any:  # noqa: FBT001 - a cache key, not an interface
    import boto3  # noqa: PLC0415 - the dearest import there is; only who needs a client pays
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 4 if retries else 1},
    )
    try:
        made = boto3.client(service, config=config)
        _check_address(made.meta.endpoint_url)
    except BotoCoreError:  # some are a ValueError too
        raise
    except ValueError as error:
        said = f"{error}; AWS_ENDPOINT_URL is written like http://127.0.0.1:4566"
        raise EndpointError(said) from error
    return made


def _check_address(url: str) -> None:
    """Raises ValueError for what a call would fail on, each in another way."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.port == 0:
        raise ValueError(f"Invalid endpoint: {url}")


def forget() -> None:
    """Make new clients from now on: for tests that replace AWS."""
    _make.cache_clear()
