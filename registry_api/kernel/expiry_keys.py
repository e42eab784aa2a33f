"""A key for each month in which something expires: destroying it erases what it wraps, the backups included.

Each is a file of its own in a folder beside the keys, outside the database and never in its backups. What is wrapped
under a month's key is wrapped under the key-encryption key as well, so that the folder alone opens nothing.
"""

import os
import secrets
from datetime import date
from pathlib import Path
from typing import Final

_SIZE: Final = 32
_FIRST_KID: Final = 0x8000
"""Key ids from here on are those of months, counted from the year 2000; those below are key-encryption keys."""


def kid_of(until: date) -> int:
    """Return the key id of the month whose key may be destroyed from ``until`` on. Raises ValueError for none."""
    kid = _FIRST_KID + (until.year - 2000) * 12 + until.month - 1
    if not _FIRST_KID <= kid <= 0xFFFF or until.day != 1:
        raise ValueError("no month that has a key")
    return kid


def month_of(kid: int) -> date | None:
    """Return the day from which a month's key may be destroyed, by its key id; None for the id of another key."""
    return date(2000 + (kid - _FIRST_KID) // 12, (kid - _FIRST_KID) % 12 + 1, 1) if kid >= _FIRST_KID else None


class ExpiryKeys:
    """The keys of the months, made when they are first wanted, and gone once they are destroyed."""

    def __init__(self, folder: Path) -> None:
        """Keep them in ``folder``, which is made; whoever may write there reads and destroys them."""
        self._folder = folder
        self._known: dict[date, bytes] = {}

    def key(self, until: date) -> bytes:
        """Return the key of a month, made at first use. Raises OSError, ValueError for a day that begins no month."""
        kid_of(until)
        if (known := self.find(until)) is not None:
            return known
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A group that shares the folder, as a sequencer of its own does, shares the keys.
        mode = 0o600 | (self._folder.stat().st_mode & 0o040)
        draft = self._folder / f".{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(secrets.token_bytes(_SIZE))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, self._path(until))  # unlike a rename, never replaces one that another process just made
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        self._sync()
        made = self.find(until)
        if made is None:
            raise FileNotFoundError(until.isoformat())
        return made

    def find(self, until: date) -> bytes | None:
        """Return the key of a month if there is one. What another process destroyed is not known here any more."""
        try:
            path = self._path(until)
            if until not in self._known or not path.exists():
                self._known.pop(until, None)
                if len(key := path.read_bytes()) == _SIZE:
                    self._known[until] = key
        except OSError:
            return None
        return self._known.get(until)

    def due(self, today: date) -> list[date]:
        """Return the months whose key may be destroyed by now, the earliest first."""
        days = []
        for path in self._folder.glob("????-??-01"):
            try:
                days.append(date.fromisoformat(path.name))
            except ValueError:
                continue
        return sorted(day for day in days if day <= today)

    def destroy(self, until: date) -> None:
        """Destroy the key of a month: nothing that it wraps ever opens again. Raises OSError."""
        path = self._path(until)
        with path.open("r+b") as file:  # for a disk that keeps what a file held
            file.write(bytes(_SIZE))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        self._known.pop(until, None)
        self._sync()

    def _path(self, until: date) -> Path:
        return self._folder / until.isoformat()

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
