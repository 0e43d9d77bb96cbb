"""`python -m infra.local`: the whole stack on this machine; see `infra.local.options`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from infra.local.gateway import HttpServer
from infra.local.inputs import InputError, read_inputs
from infra.local.options import OptionError, read_options
from infra.local.surroundings import forget_aws

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Look at the options, their files and the port first: the rest takes seconds to import."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    forget_aws(os.environ)
    try:
        options = read_options(os.environ, ROOT)
        inputs = read_inputs(options, ROOT)
        server = HttpServer(options.port)
        print("· starting Stepwell on this machine", flush=True)
        from infra.local.run import run  # noqa: PLC0415 - see above

        return run(options, inputs, server)
    except OptionError as error:
        print(f"stepwell: {error}", file=sys.stderr)
        return 2
    except InputError as error:
        for problem in error.problems:
            print(f"stepwell: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # whoever read our output has gone
        return 128 + signal.SIGPIPE


def _interrupt(_number: int, _frame: object) -> None:
    """Once is enough: what is being ended is not interrupted again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # What fails in a thread from now on fails because everything ends.
    threading.excepthook = lambda _arguments: None
    raise KeyboardInterrupt


def _leave(code: int) -> NoReturn:
    """End at once. Everything is closed; to take a replay's objects and its parked threads apart
    would cost seconds and change nothing.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
