"""Whatever AWS the caller works with, the local stack's clients do not go there."""

import subprocess
import sys
from pathlib import Path

import botocore.session
import pytest

from infra.local.surroundings import NO_FILES, forget_aws

ELSEWHERE = "http://127.0.0.1:9"


def test_what_is_not_about_aws_stays() -> None:
    environment = {
        "AWS_PROFILE": "nope",
        "AWS_ENDPOINT_URL_S3": ELSEWHERE,
        "AWS_CONFIG_FILE": "mine",
        "TEST_SERVER_MODE": "true",
        "MOTO_PORT": "5000",
        "PORT": "8080",
    }
    forget_aws(environment)
    assert environment == {
        **NO_FILES,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "PORT": "8080",
    }


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_PROFILE": "nope"},
        {"AWS_ENDPOINT_URL": ELSEWHERE},
        {"AWS_ENDPOINT_URL_S3": ELSEWHERE},
        {"AWS_CONFIG_FILE": "{home}/.aws/config"},
        {},
    ],
)
def test_a_client_goes_where_moto_listens(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(f"[default]\nendpoint_url = {ELSEWHERE}\n")
    environment = {"HOME": str(tmp_path), **variables}
    environment = {name: text.format(home=tmp_path) for name, text in environment.items()}
    forget_aws(environment)
    for name in variables:
        monkeypatch.delenv(name, raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    client = botocore.session.Session().create_client("s3", region_name="us-east-1")
    assert client.meta.endpoint_url == "https://s3.amazonaws.com"


def test_nothing_of_aws_is_imported_before_it_is_forgotten() -> None:
    code = (
        "import sys, infra.local.__main__; "
        "print({each.partition('.')[0] for each in sys.modules} & {'boto3', 'botocore', 'moto'})"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
