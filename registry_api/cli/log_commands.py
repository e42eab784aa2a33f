"""What is typed about the access log: `sequencer`, and `log` with `export`, `open`, `receipts`, `keys` and so on.

Each imports what it needs when it is called, as those of ``administration`` do. Checking a log takes none of them:
registry_api/access_log/verify.py does that alone.
"""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

WhyOption = Annotated[str, typer.Option("--why", help="Why; kept sealed beside the entry that records it.")]
ByOption = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="SUBJECT",
        help="Which member of the authority's staff does it, by its own identifier of them. They must be allowed to; "
        "the account of this machine is recorded as well.",
    ),
]
OriginOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of an earlier log, by its name; otherwise of the present one."),
]
ReferenceArgument = Annotated[str, typer.Argument(help="The reference of an enquiry, a transfer or another thing.")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sequencer)
    log = typer.Typer(
        no_args_is_help=True, help="The access log: check and export it, open entries, keep them from erasure."
    )
    for command in (check, anchors, export, receipts, keys, checkpoint, subject_key, hold, lift, holds, begin_anew):
        log.command()(command)
    log.command("open")(open_entries)
    app.add_typer(log, name="log")


def sequencer() -> None:
    """Sign the access log until Ctrl-C or SIGTERM, where REGISTRY_LOG_SEQUENCER is `separate`.

    Run one, as a user of its own: whoever has the keys and the fence beside them should not be who runs the database.
    """
    from registry_api.cli import log_keeping

    log_keeping.run_sequencer()


def check() -> None:
    """Compare every entry with what was put into the tree; run it each night. Exit code 1 when anything differs.

    It sees what an auditor cannot, and believes the signed head, of each tree where the log was begun anew: keep
    checkpoints elsewhere for `verify.py` as well.
    """
    from registry_api.cli import log_keeping

    log_keeping.check()


def anchors() -> None:
    """Say where checkpoints go: mail, time-stamps, witnesses. Exit code 1 when one has had none for two days."""
    from registry_api.cli import log_keeping

    log_keeping.show_anchors()


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")],
    by: ByOption,
    why: WhyOption,
    origin: OriginOption = None,
) -> None:
    """Write the log as plain files (C2SP tlog-tiles) for an auditor; they hold no personal data.

    `python verify.py fsck FOLDER --log-key …` checks them, with registry_api/access_log/verify.py taken away.
    """
    from registry_api.cli import log_acting, log_keeping

    log_keeping.export(folder, log_acting.Who(by, why), origin)


def open_entries(
    reference: ReferenceArgument,
    by: ByOption,
    why: WhyOption,
    field: Annotated[
        list[str] | None, typer.Option(help="Open this field alone; may be given several times. Otherwise all.")
    ] = None,
) -> None:
    """Print what opens the entries under a reference, one line of JSON for each, as `verify.py open-entry` reads it."""
    from registry_api.cli import log_acting, log_keeping

    log_keeping.open_entries(reference, field or [], log_acting.Who(by, why))


def receipts(
    reference: ReferenceArgument, folder: Annotated[Path, typer.Argument(help="Where to write them.")]
) -> None:
    """Write a receipt for each entry under a reference (C2SP tlog-proof), which `verify.py verify-inclusion` checks."""
    from registry_api.cli import log_keeping

    log_keeping.receipts(reference, folder)


def keys(origin: OriginOption = None) -> None:
    """Print the public keys of the log. Give them to whoever checks it, by another way than the log itself."""
    from registry_api.cli import log_keeping

    log_keeping.show_keys(origin)


def checkpoint(origin: OriginOption = None) -> None:
    """Print the last signed head of the log. Keep it where nobody reaches it who reaches the log."""
    from registry_api.cli import log_keeping

    log_keeping.show_checkpoint(origin)


def subject_key(
    child_id: Annotated[UUID, typer.Argument(help="The child's id on the register.")], by: ByOption, why: WhyOption
) -> None:
    """Print the key by which `verify.py find-subject` finds every entry about a child, for whoever may have it."""
    from registry_api.cli import log_acting, log_keeping

    log_keeping.subject_key(child_id, log_acting.Who(by, why))


def hold(
    by: ByOption,
    why: WhyOption,
    child: Annotated[UUID | None, typer.Option(help="All that is about this child of the register.")] = None,
    reference: Annotated[str | None, typer.Option(help="All that stands under this reference.")] = None,
    professional: Annotated[UUID | None, typer.Option(help="All that this professional did.")] = None,
) -> None:
    """Place a legal hold: these entries, and what they answer for, are not erased until it is lifted. Prints its id."""
    from registry_api.cli import log_acting, log_holding

    log_holding.place(log_acting.Who(by, why), child_id=child, reference=reference, professional_id=professional)


def lift(
    hold_id: Annotated[UUID, typer.Argument(metavar="ID", help="The hold, as `log hold` and `log holds` name it.")],
    by: ByOption,
    why: WhyOption,
) -> None:
    """Lift a legal hold: what it kept is erased when its time is over, within two months if it is already."""
    from registry_api.cli import log_acting, log_holding

    log_holding.lift(hold_id, log_acting.Who(by, why))


def holds(by: ByOption, why: WhyOption) -> None:
    """Show the legal holds that stand, who placed them and why. The reading is recorded."""
    from registry_api.cli import log_acting, log_holding

    log_holding.show(log_acting.Who(by, why))


def begin_anew(
    name: Annotated[str, typer.Argument(help="What the new log is called: another name than the one before.")],
    by: ByOption,
    why: WhyOption,
) -> None:
    """Begin the log anew after the database was put back from a backup. Stop the service first: docs/access-log.md.

    The first entry names the last head that was signed, so that what is missing since is plain to everybody; it says
    who began it, and why, as well. If it breaks off, give the same command again.
    """
    from registry_api.cli import log_acting, log_beginning

    log_beginning.begin_anew(name, log_acting.Who(by, why))
