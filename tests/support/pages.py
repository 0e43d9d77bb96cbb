"""A site on an origin of its own, and a headless browser that visits it."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.browsers import Browser
from tests.support.local_stack import ROOT

FOLDER = ROOT / "tests" / "browser"
SDK = FOLDER / "node_modules" / "@segment" / "analytics-next" / "dist" / "umd"
BUNDLES = "/analytics-next/bundles/"


class Site:
    """Serves a folder, and Segment's SDK as its package ships it, as `localhost`.

    The API is `127.0.0.1`: not the same origin, and not even the same site.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

        class Handler(SimpleHTTPRequestHandler):
            def translate_path(self, path: str) -> str:
                if path.startswith(BUNDLES):
                    return str(SDK / Path(path).name)
                return super().translate_path(path)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def page(self, name: str, body: str) -> str:
        """Its address. It says that it has no icon, for which some browsers would ask."""
        head = f'<meta charset="utf-8"><title>{name}</title><link rel="icon" href="data:,">'
        text = f"<!doctype html>{head}\n{body}\n"
        (self.folder / f"{name}.html").write_text(text, encoding="utf-8")
        return f"{self.url}/{name}.html"

    def bundle(self, name: str, module: str) -> str:
        """The address of a page with a module as `window.app`, bundled as an app's."""
        done = subprocess.run(
            [
                FOLDER / "node_modules" / ".bin" / "esbuild",
                *("--bundle", "--format=iife", "--global-name=app", "--log-level=warning"),
                f"--outfile={self.folder / name}.js",
            ],
            cwd=FOLDER,  # where its imports are found
            input=module,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return self.page(name, f'<script src="/{name}.js"></script>')


class Visitor:
    """The browser: `with Visitor(browser) as visitor:`."""

    def __init__(self, browser: Browser) -> None:
        told = {
            "program": str(browser.program),
            "environment": browser.environment(),
            "sandbox": os.geteuid() != 0,
        }
        self._process = subprocess.Popen(
            ["node", "drive.mjs", json.dumps(told)],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The browser ends with what drives it."""
        self._process.communicate(timeout=60)

    def order(self, what: str, **more: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the browser has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def open(self, url: str, **settings: str) -> Page:
        """With a profile that is new and empty; settings such as `timezoneId`."""
        return Page(self, self.order("open", url=url, settings=settings))


@dataclass(frozen=True, slots=True)
class Told:
    """`requests` are `<method> <address>`, without preflights."""

    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    visitor: Visitor
    number: int

    def run(self, script: str, values: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression or of the promise that it is; `values` are its names' ones."""
        named = "".join(f"const {name} = {json.dumps(v)};" for name, v in (values or {}).items())
        body = f"(async () => {{ {named} return {script} }})()"
        return self.visitor.order("run", page=self.number, script=body)

    def go(self, url: str) -> None:
        self.visitor.order("go", page=self.number, url=url)

    def close(self) -> None:
        self.visitor.order("close", page=self.number)

    def another(self, url: str) -> Page:
        return Page(self.visitor, self.visitor.order("tab", page=self.number, url=url))

    def told(self) -> Told:
        return Told(**self.visitor.order("told", page=self.number))
