"""`stepwell webhook-key`: the key by which a destination knows that a webhook is Stepwell's."""

from __future__ import annotations

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
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.clients import client  # noqa: PLC0415 - as above

    name = f"stepwell-{arguments.stage}-webhook-key"
    try:
        secret = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"secret {name}: {error}") from error
    print(as_text(key_of(secret, arguments.destination)))
    return 0
