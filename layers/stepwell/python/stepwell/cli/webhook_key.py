"""`stepwell webhook-key`: the key by which a destination knows that a webhook is Stepwell's."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError
from stepwell.handover.webhooks import as_text, key_of

if TYPE_CHECKING:
    from stepwell.cli.command import Commands

HELP = "Print the key that signs a destination's webhooks, for its receiver."


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("webhook-key", help=HELP, description=HELP)
    parser.add_argument("destination", help="its name in statemachines/destinations.yaml")
    parser.add_argument("--stage", default="dev", help="local, dev or prod (default: dev)")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Raises CommandError when there is no such secret, or no such destination."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.clients import client  # noqa: PLC0415 - as above

    name = f"stepwell-{arguments.stage}-webhook-key"
    try:
        secret = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"secret {name}: {error}") from error
    _check_is_deployed(arguments.destination, arguments.stage)
    print(as_text(key_of(secret, arguments.destination)))
    return 0


def _check_is_deployed(name: str, stage: str) -> None:
    """Raises CommandError for a name that no destination has. Whoever may not look that up, or
    whose stage is not deployed yet, is told so: a receiver may need its key before.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.stages import deployed_destinations  # noqa: PLC0415 - as above
    from stepwell.journeys.compiler.problems import suggest  # noqa: PLC0415 - quick --help

    try:
        declared = deployed_destinations(stage)
    except (BotoCoreError, ClientError, KeyError) as error:
        why = "its settings cannot be read" if isinstance(error, KeyError) else error
        said = f"whether stage {stage} has a destination {name!r} is not known: {why}"
        print(f"stepwell: {said}", file=sys.stderr)
        return
    if name not in declared:
        raise CommandError(f"stage {stage} has no destination {name!r}. {suggest(name, declared)}")
