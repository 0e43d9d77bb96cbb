"""`stepwell doctor`: what a stage still needs before its first send."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError

if TYPE_CHECKING:
    from stepwell.aws.inspection.scene import Scene
    from stepwell.readiness.findings import Finding

HELP = "Look at what a stage needs before its first send, and say how to mend it."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("doctor", help=HELP, description=HELP)
    parser.add_argument("--stage", default="dev", help="local, dev or prod (default: dev)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """1 when there is a problem, or something could not be looked at. Raises CommandError."""
    from stepwell.aws.clients import client  # noqa: PLC0415 - dear
    from stepwell.aws.inspection.asking import DeniedError  # noqa: PLC0415 - as above
    from stepwell.aws.inspection.checks import FAILURES, inspect  # noqa: PLC0415
    from stepwell.aws.inspection.scene import NoStageError, find_scene  # noqa: PLC0415
    from stepwell.readiness.findings import is_ready  # noqa: PLC0415

    try:
        scene = find_scene(arguments.stage, client, datetime.now(UTC))
    except NoStageError as error:
        raise CommandError(str(error)) from error
    except DeniedError as error:
        raise CommandError(f"the stage cannot be looked at: needs {error.action}") from error
    except FAILURES as error:
        raise CommandError(f"stage {arguments.stage}: {error}") from error
    findings = list(inspect(scene))
    if arguments.json:
        print(json.dumps(_document(scene, findings), indent=2, ensure_ascii=False))
    else:
        _print(scene, findings)
    return 0 if is_ready(findings) else 1


def _document(scene: Scene, findings: Sequence[Finding]) -> dict[str, object]:
    return {
        "stage": scene.place.stage,
        "region": scene.place.region,
        "account": scene.account,
        "checks": [dataclasses.asdict(each) for each in findings],
    }


def _print(scene: Scene, findings: Sequence[Finding]) -> None:
    """A line of what it means for each check, and one of how to mend it."""
    print(f"Stage {scene.place.stage} in account {scene.account}, {scene.place.region}\n")
    width = max(len(each.check) for each in findings)
    for each in findings:
        print(f"{each.level:7}  {each.check:{width}}  {each.means}")
        if each.mend:
            print(f"{'':7}  {'':{width}}  to mend: {each.mend}")
    counted = Counter(each.level for each in findings)
    print("\n" + ", ".join(f"{count} {level}" for level, count in counted.items()))
