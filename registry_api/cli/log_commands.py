"""What is typed about the access log: `sequencer`, and `log` with `export`, `open`, `receipts`, `keys` and so on.

Each imports what it needs when it is called, as those of ``administration`` do. Checking a log takes none of them:
registry_api/access_log/verify.py does that alone.
"""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

ReferenceArgument = Annotated[str, typer.Argument(help="The reference of an enquiry, a transfer or another thing.")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sequencer)
    log = typer.Typer(no_args_is_help=True, help="The access log: export it, open entries, begin it anew.")
    for command in (check, export, receipts, keys, checkpoint, subject_key, begin_anew):
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

    It sees what an auditor cannot, and believes the signed head: keep checkpoints elsewhere for `verify.py` as well.
    """
    from registry_api.cli import log_keeping

    log_keeping.check()


def export(folder: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write the log as plain files (C2SP tlog-tiles) for an auditor; they hold no personal data.

    `python verify.py fsck FOLDER --log-key …` checks them, with registry_api/access_log/verify.py taken away.
    """
    from registry_api.cli import log_keeping

    log_keeping.export(folder)


def open_entries(
    reference: ReferenceArgument,
    field: Annotated[
        list[str] | None, typer.Option(help="Open this field alone; may be given several times. Otherwise all.")
    ] = None,
) -> None:
    """Print what opens the entries under a reference, one line of JSON for each, as `verify.py open-entry` reads it."""
    from registry_api.cli import log_keeping

    log_keeping.open_entries(reference, field or [])


def receipts(
    reference: ReferenceArgument, folder: Annotated[Path, typer.Argument(help="Where to write them.")]
) -> None:
    """Write a receipt for each entry under a reference (C2SP tlog-proof), which `verify.py verify-inclusion` checks."""
    from registry_api.cli import log_keeping

    log_keeping.receipts(reference, folder)


def keys() -> None:
    """Print the public keys of the log. Give them to whoever checks it, by another way than the log itself."""
    from registry_api.cli import log_keeping

    log_keeping.show_keys()


def checkpoint() -> None:
    """Print the last signed head of the log. Keep it where nobody reaches it who reaches the log."""
    from registry_api.cli import log_keeping

    log_keeping.show_checkpoint()


def subject_key(child_id: Annotated[UUID, typer.Argument(help="The child's id on the register.")]) -> None:
    """Print the key by which `verify.py find-subject` finds every entry about a child, for whoever may have it."""
    from registry_api.cli import log_keeping

    log_keeping.subject_key(child_id)


def begin_anew(
    name: Annotated[str, typer.Argument(help="What the new log is called: another name than the one before.")],
) -> None:
    """Begin the log anew after the database was put back from a backup. Stop the service first: docs/access-log.md.

    The first entry names the last head that was signed, so that what is missing since is plain to everybody.
    """
    from registry_api.cli import log_keeping

    log_keeping.begin_anew(name)
