"""Customers whose ids have what a URL has another meaning for are found by them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.local.gateway import HttpServer
from stepwell.cli.main import main
from tests.support.front_door import FrontDoor, engine_template
from tests.support.stage import Stage

IDS = ("a/b", "pct%2Fy", "100%", "auth0|x?y=1#z", "../customers/ada", "q+r s", "zoë")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A stage whose API answers on this machine."""
    with Stage() as stage:
        for each in IDS:
            stage.identify(each)
        server = HttpServer(0)
        server.serve(FrontDoor(stage, engine_template()).api)
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.close()


@pytest.mark.parametrize("user", IDS)
def test_it_is_found(url: str, user: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["customer", user, "--url", url, "--json"]) == 0
    printed = capsys.readouterr().out
    shown = json.loads(printed[printed.index("{\n") :])  # behind what the function logs
    assert shown["profile"]["user_id"] == user
