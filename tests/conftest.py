"""For all tests: no AWS account can be reached by mistake, and no generated case is timed."""

import os

import pytest
from hypothesis import settings

# Two workers on two cores: slow is no failure. A dear test asks for a share of the size, such as
# `@settings(max_examples=settings().max_examples // 5)`, so that it grows with the profile.
settings.register_profile("stepwell", deadline=None)
settings.register_profile("nightly", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "stepwell"))

_FAKE = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_REAL = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported, and in each worker of pytest-xdist."""
    os.environ.update(_FAKE)
    for name in _REAL:
        os.environ.pop(name, None)
