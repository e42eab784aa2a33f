"""`directory …`: what is enrolled, what falls due, who changed what; keys and agreements, on the machine itself."""

from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from registry_api.cli.administration import ByOption, WhyOption

_DAY = ["%Y-%m-%d"]
ClientArgument = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The system, as it is enrolled.")]


class Told(Enum):
    """How much an agreement lets be told of a child who is known."""

    FULL = "full"
    CONTACT = "contact"


def add_commands(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(name="directory", help="Look over and keep who takes part.", no_args_is_help=True)
    for command in (show, due, history, agreement):
        group.command()(command)
    group.command("add-key")(add_key)
    group.command("retire-key")(retire_key)
    app.add_typer(group)


def show(
    code: Annotated[str | None, typer.Argument(help="An organisation; without it all of them, by name.")] = None,
    by: ByOption = None,
) -> None:
    """Show who is enrolled: the organisations, or one with its agreements, systems and professionals.

    The reading is recorded.
    """
    from registry_api.cli import kept

    kept.show(code, by=by)


def due(
    days: Annotated[int, typer.Option(min=0, max=1000, help="Within how many days.")] = 60, by: ByOption = None
) -> None:
    """Show the agreements in force that have to be reviewed soon, or should have been."""
    from registry_api.cli import kept

    kept.show_due(days, by=by)


def history(
    code: Annotated[str | None, typer.Option("--of", metavar="CODE", help="Of one organisation.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="The newest so many.")] = 20,
    by: ByOption = None,
) -> None:
    """Show who changed what, and why, the newest first. The reading is recorded."""
    from registry_api.cli import kept

    kept.show_history(code, limit=limit, by=by)


def agreement(
    agreement_id: Annotated[str, typer.Argument(metavar="ID", help="The agreement, as `directory show` names it.")],
    why: WhyOption,
    by: ByOption = None,
    ends: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, help="Its last day. One that has passed ends it.")
    ] = None,
    reviewed: Annotated[datetime | None, typer.Option(formats=_DAY, help="When it was reviewed.")] = None,
    disclosure: Annotated[Told | None, typer.Option(help="How much is told under it.")] = None,
) -> None:
    """Prolong, end or review an agreement, or change how much it lets be told. `suspend agreement` stops it at once."""
    from registry_api.cli import kept

    kept.change_agreement(
        agreement_id,
        ends=ends.date() if ends else None,
        reviewed=reviewed.date() if reviewed else None,
        disclosure=disclosure.value if disclosure else None,
        why=why,
        by=by,
    )


def add_key(
    client_id: ClientArgument,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The public half, as JSON (JWK).")],
    why: WhyOption,
    by: ByOption = None,
) -> None:
    """Have a system be believed by another key too. Once it signs with that one, retire the old one."""
    from registry_api.cli import kept

    kept.add_key(client_id, file, why=why, by=by)


def retire_key(
    client_id: ClientArgument,
    kid: Annotated[str, typer.Argument(help="The key, by its kid.")],
    why: WhyOption,
    by: ByOption = None,
) -> None:
    """Have a system be believed by a key no longer. Its last key stays."""
    from registry_api.cli import kept

    kept.retire_key(client_id, kid, why=why, by=by)
