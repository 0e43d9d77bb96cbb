"""`python -m infra.local`: the whole stack on this machine; see `infra.local.options`."""

from __future__ import annotations

import sys

from infra.local.run import main

if __name__ == "__main__":
    sys.exit(main())
