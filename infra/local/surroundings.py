"""What the caller's environment says about AWS, forgotten: the local stack is its own account.

boto3 obeys more than its arguments: an endpoint, a profile or a configuration file could lead it to
somebody's LocalStack or account.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

NO_FILES = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Else boto3 reads the files in the home directory, which it finds without HOME as well."""
_OURS = {**NO_FILES, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
_PREFIXES = ("AWS_", "MOTO_")
_MOTO_ELSEWHERE = {"TEST_SERVER_MODE", "TEST_PROXY_MODE"}
"""By these moto uses a server that runs already, and empties it."""


def forget_aws(environment: MutableMapping[str, str]) -> None:
    """To be called before boto3 or moto is imported: they read some of it only once."""
    for name in list(environment):
        if name.startswith(_PREFIXES) or name in _MOTO_ELSEWHERE:
            del environment[name]
    environment.update(_OURS)
