"""The command line, `stepwell`: one subcommand a module, see `cli.command`."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from stepwell.aws.clients import EndpointError
from stepwell.cli import (
    check,
    compile,  # noqa: A004 - named like the command
    computed,
    customer,
    doctor,
    events,
    graph,
    inbox_token,
    lists,
    openapi,
    quarantine,
    replay,
    scale,
    segment,
    send,
    simulate,
    sweep,
    test,
    webhook_key,
    write_keys,
)
from stepwell.cli.command import Command, CommandError

COMMANDS: tuple[Command, ...] = (
    *(check, compile, test, simulate, graph, send, customer, segment, lists),
    *(write_keys, openapi, replay, events, quarantine, doctor, inbox_token, webhook_key, scale),
    *(computed, sweep),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand. 0: all well; 1: problems were found; 2: it could not be carried out."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        return int(given.run(given))
    except (CommandError, EndpointError) as error:
        print(f"stepwell: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `stepwell compile x | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="stepwell", description="Customer journeys in your own AWS account."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
