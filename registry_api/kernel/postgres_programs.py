"""How programs of PostgreSQL are run: without a shell, and for root under an account that PostgreSQL accepts."""

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

with contextlib.suppress(ImportError):  # not on Windows, where a database is given by its URL
    import pwd

INSTEAD: Final = "or set REGISTRY_DATABASE_URL to a PostgreSQL of your own"
"""What whoever has no PostgreSQL here can do all the same."""


class PostgresUnavailable(RuntimeError):
    """No embedded PostgreSQL can be had; the message says why and what to do about it."""


def guise_for(folder: Path, binaries: Path) -> list[str]:
    """Return the command prefix under which PostgreSQL accepts to run, having handed `folder` to its account."""
    if os.geteuid() != 0:
        return []
    # initdb wants an account with a name; in the namespace it is only what root looks like from within.
    accounts = {account.pw_name: account for account in pwd.getpwall() if account.pw_uid != 0}
    account = accounts.get("postgres") or accounts.get("nobody") or next(iter(accounts.values()))
    uid = account.pw_uid
    in_namespace = ["unshare", "--user", f"--map-user={uid}"]
    as_other = ["setpriv", f"--reuid={uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    past_closed_folders = [*as_other, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    for owner, guise in ((0, in_namespace), (uid, as_other), (uid, past_closed_folders)):
        with contextlib.suppress(OSError):  # no such program here, or no right to hand the folder over
            for path in (folder, *folder.rglob("*")):
                if path.lstat().st_uid != owner:
                    os.chown(path, owner, -1, follow_symlinks=False)
            reaches = ["sh", "-c", '"$0" --version && test -w "$1"', str(binaries / "initdb"), str(folder)]
            if run_program([*guise, *reaches]).returncode == 0:
                return guise
    raise PostgresUnavailable(f"No account but root's reaches {folder}: start this as an ordinary user, {INSTEAD}.")


def run_program(command: Sequence[str], **how: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, without a shell, and return its result with its output captured."""
    return subprocess.run(command, capture_output=True, text=True, check=False, **how)  # noqa: S603 - no shell; programs of ours
