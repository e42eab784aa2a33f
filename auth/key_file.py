"""The file of the signing keys: made once, read again by every worker when it is changed, and never seen half written.

Nobody but its owner may read it. A running worker keeps the keys that it has for as long as the file cannot be read.
"""

import json
import logging
import os
import secrets
import stat
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from auth.errors import InsecureEnvironment
from auth.keys import SigningKeys, UnusableKeys, read, written
from auth.protocols import Clock

log = logging.getLogger(__name__)

LOOKED_AT_EVERY = timedelta(seconds=1)
"""How long a worker may go on with what it has read; only whoever uses keys looks."""
_Stamp = tuple[int, int, int]


class KeyFile:
    """The keys of a file, as they are now (``auth.keys.KeySource``). Any number of processes may share the file.

    Args:
        path: of the file, which is made first where there is none.
        clock: the time, aware and in UTC.

    Raises:
        UnusableKeys: it does not hold what it must.
        InsecureEnvironment: others than its owner may read it.
        OSError: it cannot be read or made.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        if not path.exists():
            save_new(path, SigningKeys.generate())
        self._path, self._clock = path, clock
        self._kept = load(path)
        self._looked: datetime = clock()
        self._failing = False

    def __call__(self, *, again: bool = False) -> SigningKeys:
        """Return the keys, after a look at the file where the last one was a second ago. It costs two microseconds."""
        now = self._clock()
        # A clock that was put back must not keep anybody from looking.
        if again or not self._looked <= now < self._looked + LOOKED_AT_EVERY:
            self._looked = now
            self._look()
        return self._kept[1]

    def _look(self) -> None:
        try:
            # Both at once, for tokens are signed in several threads.
            if _stamp(self._path) != self._kept[0]:
                self._kept = load(self._path)
            self._failing = False
        except (OSError, UnusableKeys, InsecureEnvironment) as error:
            if not self._failing:  # once, and not each second
                log.error("the signing keys cannot be read again: %s", type(error).__name__)
            self._failing = True


def load(path: Path) -> tuple[_Stamp, SigningKeys]:
    """Return the keys of a file, and what tells whether it has been changed since.

    Raises:
        UnusableKeys, InsecureEnvironment, OSError: as ``KeyFile``.
    """
    # Taken first: what is put there between the two is read anew next time, and not missed.
    stamp = _stamp(path)
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise InsecureEnvironment("the signing key file must be readable by its owner alone (mode 0600)")
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        raise UnusableKeys("the signing key file is not JSON") from None
    return stamp, read(document)


def save_new(path: Path, keys: SigningKeys) -> None:
    """Write the keys to a file, unless there is one already: that one stays.

    Several processes may start at once: all end up with the same keys.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _draft(path, keys)
    try:
        # A link, unlike a rename, refuses to replace what another process put there meanwhile.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


class Replacement:
    """New content of a key file, written beside it: a step that can fail, made before anybody is told of it.

    Args:
        path: of the file.
        keys: what it is to hold.
        stamp: of the file as it was read (``load``).
    """

    def __init__(self, path: Path, keys: SigningKeys, stamp: _Stamp) -> None:
        self._path, self._stamp = path, stamp
        self._draft = _draft(path, keys)

    def put_in_place(self) -> bool:
        """Have the file hold it, all at once. False: somebody else has changed the file, which stays as it is."""
        if _stamp(self._path) != self._stamp:
            return False
        self._draft.replace(self._path)
        if os.name == "posix":
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return True

    def discard(self) -> None:
        """Leave nothing of it beside the file."""
        self._draft.unlink(missing_ok=True)


def _draft(path: Path, keys: SigningKeys) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(written(keys), file)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _stamp(path: Path) -> _Stamp:
    kept = path.stat()
    return kept.st_ino, kept.st_mtime_ns, kept.st_size
