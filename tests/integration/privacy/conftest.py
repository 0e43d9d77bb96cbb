from collections.abc import Callable

import pytest


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What was printed meanwhile: metrics go out so."""
    return lambda: "".join(capsys.readouterr())
