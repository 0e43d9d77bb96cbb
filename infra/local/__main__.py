"""`python -m infra.local`: the whole stack on this machine; see `infra.local.options`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from infra.local.gateway import HttpServer
from infra.local.options import OptionError, read_options

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Look at the options and the port first: the rest takes seconds to import."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        options = read_options(os.environ, ROOT)
        server = HttpServer(options.port)
        print("· starting Stepwell on this machine", flush=True)
        from infra.local.run import run  # noqa: PLC0415 - see above

        return run(options, server)
    except OptionError as error:
        print(f"stepwell: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _interrupt(_number: int, _frame: object) -> None:
    """Once is enough: what is being ended is not interrupted again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
