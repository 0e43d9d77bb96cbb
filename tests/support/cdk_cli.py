"""The CDK's own command line against moto's server: an account, and a project that is deployed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.local.account import ACCOUNT, REGION
from infra.local.engine import LocalEngine
from infra.local.moto_patches import Patches, templates
from infra.local.stack import QuickServer
from tests.support.local_stack import ROOT

CDK = ROOT / "node_modules" / ".bin" / "cdk"
PATIENCE = 240
SYNTHESIZED = ("--app", "cdk.out")
"""The templates that are there: the app is not run again."""
QUIET = {
    "CI": "1",
    "CDK_DISABLE_CLI_TELEMETRY": "1",
    "CDK_DISABLE_VERSION_CHECK": "1",
    "NO_COLOR": "1",
    "NODE_NO_WARNINGS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""Nothing is asked of anybody but the server, and nothing of this machine's user counts."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_DEPLOYED_FROM = (
    *("cdk.json", "docs/openapi.json", "events/registry.lock.json", "events/schemas"),
    *("functions", "infra", "layers/stepwell", "requirements/runtime.txt", "statemachines"),
)


@dataclass
class CloudAccount:
    """An AWS account in this process, and its endpoint for other processes.

    `left_out`: the types of resources that templates asked for and moto did not create.
    """

    left_out: set[str] = field(default_factory=set)
    endpoint: str = ""
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        patches = Patches()
        self.engine = self._open.enter_context(LocalEngine(datetime(2026, 11, 24, tzinfo=UTC)))
        templates.install(patches, self.left_out.add)
        self._open.callback(patches.undo)
        server = QuickServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        self._open.callback(server.stop)
        # The CLI puts a bucket's name before any other host name than this one.
        self.endpoint = f"http://localhost:{server.get_host_and_port()[1]}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def client(self, service: str) -> Any:
        return self.engine.client(service)

    def environment(self) -> dict[str, str]:
        """For a process that shall know this account and no other."""
        proxies = {name for each in _PROXIES for name in (each, each.lower())}
        inherited = {name: value for name, value in os.environ.items() if name not in proxies}
        return {
            **inherited,
            **QUIET,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
        }


@dataclass(frozen=True)
class Project:
    """This repository, or a copy of what is deployed of it, in a folder of its own."""

    folder: Path
    stage: str

    @classmethod
    def copy(cls, folder: Path, stage: str) -> Project:
        for each in _DEPLOYED_FROM:
            source, target = ROOT / each, folder / each
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        (folder / ".build").mkdir()
        for shared in (".venv", ".build/layers"):  # as cdk.json and the dependencies' layer ask
            (folder / shared).symlink_to(ROOT / shared)
        return cls(folder, stage)

    def cdk(self, account: CloudAccount, *words: str) -> str:
        """Run the command line in the project; what it printed. It must succeed."""
        code, said = self.try_cdk(account, *words)
        assert code == 0, said
        return said

    def try_cdk(self, account: CloudAccount, *words: str) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                [CDK, *words, "--no-notices", "--no-color"],
                cwd=self.folder,
                env={**account.environment(), "CDK_HOME": home, "STAGE": self.stage},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        return done.returncode, done.stdout

    def bootstrap(self, account: CloudAccount) -> str:
        """Once for an account and Region; no app is asked for that."""
        return self.cdk(account, "bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def deploy(self, account: CloudAccount, *options: str) -> str:
        """As docs/deploying.md says, without change sets, of which moto has only a part."""
        how = ("--method=direct", "--require-approval=never")
        return self.cdk(account, "deploy", "--all", *how, *options)

    def differences(self, account: CloudAccount) -> tuple[int, str]:
        """Between the templates as they were last synthesized and the account."""
        return self.try_cdk(account, "diff", *SYNTHESIZED, "--method=template", "--fail")

    def templates(self) -> Mapping[str, Mapping[str, Any]]:
        """By the stack's name."""
        return {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in (self.folder / "cdk.out").glob("*.template.json")
        }
