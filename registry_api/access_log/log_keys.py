"""The log's signing keys, and the fence: what must not be where the database is.

The fence is the last size and root that these keys signed. A database that was put back from a backup, or a replica
that had fallen behind, has a shorter or another history; with the fence kept elsewhere that is seen before anything is
signed. One fence belongs to one set of keys: whoever copies the keys to a second machine has two fences, and none.
"""

import fcntl
import json
import os
import stat
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.note import Kind, NoteError, Signer
from registry_api.kernel.errors import KeysUnusable

_KINDS: Final = (Kind.ED25519, Kind.ML_DSA_44_COSIGNATURE)


def _store(path: Path, content: bytes) -> None:
    """Write a file for its owner's eyes, whole or not at all, and so that a loss of power does not take it back."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass(frozen=True, slots=True)
class Fence:
    """Where the last signed head is kept."""

    path: Path

    def read(self) -> Checkpoint | None:
        """Return the last signed head, or None where nothing was signed yet. Raises KeysUnusable when it is damaged."""
        try:
            kept = json.loads(self.path.read_bytes())
            return Checkpoint(kept["origin"], kept["size"], b64decode(kept["root"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise KeysUnusable(f"The fence of the access log, {self.path}, cannot be read.") from None

    def move(self, head: Checkpoint) -> None:
        """Record a head as signed, durably, before it is; never back, nor beside another of its size. Raises OSError.

        The lock of the database is not enough: a sequencer loses it with its connection while it still writes here,
        and would take back what the next one has signed meanwhile. The log would then refuse to be signed for good.
        """
        kept = {"origin": head.origin, "size": head.size, "root": b64encode(head.root).decode()}
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            signed = self.read()
            if signed is not None and signed.size >= head.size and signed != head:
                raise OSError("another head was signed meanwhile")
            _store(self.path, json.dumps(kept).encode())
        finally:
            os.close(folder)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of one log: an Ed25519 key, and an ML-DSA-44 key because records outlive today's assumptions."""

    path: Path
    signers: tuple[Signer, ...]

    @property
    def fence(self) -> Fence:
        """The fence, which lies beside the keys."""
        return Fence(self.path.with_suffix(".fence.json"))

    @property
    def origin(self) -> str:
        """The name of the log, which is that of its keys (tlog-checkpoint, Signatures)."""
        return self.signers[0].name

    def public(self) -> list[str]:
        """Return the public keys as text, for whoever checks."""
        return [str(signer.verifier) for signer in self.signers]

    def set_aside(self, path: Path) -> None:
        """Move the keys and their fence to another place; the fence first, for keys without it sign nothing."""
        if self.fence.path.exists():
            self.fence.path.replace(path.with_suffix(".fence.json"))
        self.path.replace(path)

    @classmethod
    def load(cls, path: Path) -> "LogKeys":
        """Read the keys. Raises KeysUnusable when they are missing, damaged, or not for their owner's eyes alone."""
        try:
            if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise KeysUnusable(f"{path} may be read by others than its owner: give it mode 0600.")
            signers = tuple(Signer.of(line) for line in path.read_text("utf-8").splitlines())
        except OSError as error:
            raise KeysUnusable(f"The keys of the access log, {path}, cannot be read: {error.strerror}.") from None
        except NoteError:
            signers = ()
        if not signers or len({signer.name for signer in signers}) != 1:
            raise KeysUnusable(f"{path} does not hold the keys of an access log.")
        return cls(path, signers)

    @classmethod
    def beside(cls, path: Path, origin: str) -> "LogKeys | None":
        """Return the keys of the log of a name: those at ``path``, or those of an earlier log, set aside beside them.

        None where there are none. Raises KeysUnusable for what is damaged.
        """
        kept = (one for one in sorted(path.parent.glob(f"{path.name}*")) if not one.suffix)
        return next((keys for keys in map(cls.load, kept) if keys.origin == origin), None)

    @classmethod
    def create(cls, path: Path, origin: str) -> "LogKeys":
        """Make the keys of a log of this name. Raises KeysUnusable when there are some already, or for no name."""
        try:
            signers = [Signer.new(origin, kind) for kind in _KINDS]
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = path.with_name(f"{path.name}.{os.getpid()}.new")
            _store(draft, "".join(f"{signer.secret_text()}\n" for signer in signers).encode())
            try:
                os.link(draft, path)  # unlike a rename, never replaces keys that another process just made
            finally:
                draft.unlink()
        except FileExistsError:
            raise KeysUnusable(f"{path} is there already.") from None
        except NoteError as error:
            raise KeysUnusable(f"The access log cannot be called that: {error}.") from None
        return cls.load(path)

    @classmethod
    def load_or_create(cls, path: Path, origin: str) -> "LogKeys":
        """Read the keys, or make them where there are none. Whether a database may be given fresh ones says its log."""
        if not path.exists():
            try:
                return cls.create(path, origin)
            except KeysUnusable:
                if not path.exists():
                    raise
        return cls.load(path)
