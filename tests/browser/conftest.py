"""One stack, one site and one browser for all tests of pages."""

import os
from collections.abc import Iterator

import pytest

from tests.support.browsers import Browser, NoBrowserError, find
from tests.support.local_stack import Stack, make
from tests.support.pages import Site, Visitor


@pytest.fixture(scope="session")
def browser() -> Browser:
    """Without one nothing here can be tested; where everything has to be, that is a failure."""
    make("browser")
    try:
        return find()
    except NoBrowserError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def visitor(browser: Browser) -> Iterator[Visitor]:
    make("sdks")
    with Visitor(browser) as visitor:
        yield visitor


@pytest.fixture(scope="session")
def stack(browser: Browser) -> Iterator[Stack]:
    make("synth")
    stack = Stack(REPLAY="none", SPEED="1")
    try:
        stack.read_until("Ctrl-C ends it all")
        yield stack
    finally:
        if stack.process.poll() is None:
            stack.end()
        stack.process.wait()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site
