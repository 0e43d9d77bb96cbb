"""`stepwell inbox-token`: a token for one user's inbox, to try what an app's backend will make."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError
from stepwell.events.nobody import names_nobody
from stepwell.messages.inbox_token import LONGEST, is_whole, make_token

if TYPE_CHECKING:
    from stepwell.cli.command import Commands

HELP = "Print a token for one user's in-app inbox, for trying."


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("inbox-token", help=HELP, description=HELP)
    parser.add_argument("user", help="the user id, as in the events that the app sends")
    parser.add_argument("--stage", default="dev", help="local, dev or prod (default: dev)")
    parser.add_argument("--hours", type=int, default=1, help="how long it is good (default: 1)")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.clients import client  # noqa: PLC0415 - as above

    most = LONGEST // timedelta(hours=1)
    if not 1 <= arguments.hours <= most:
        raise CommandError(f"--hours: {arguments.hours}; a token is good for 1 to {most} hours")
    _check_user(arguments.user)
    name = f"stepwell-{arguments.stage}-inbox-key"
    try:
        key = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"secret {name}: {error}") from error
    until = datetime.now(UTC) + timedelta(hours=arguments.hours)
    print(make_token(arguments.user, key, until=until))
    return 0


def _check_user(user: str) -> None:
    """Raises CommandError."""
    if names_nobody(user):
        raise CommandError(f"{user!r} is nobody's user id: it stands for having none")
    if not is_whole(user):
        raise CommandError(f"{user!r} is no user id: it holds half a character")
