"""Personal data at rest: envelope encryption, and the keys of the blind index.

Every row that holds personal data has a random data key of its own, wrapped by a key-encryption key. Rotation
re-wraps data keys; deleting a data key erases its row. An envelope is ``version|algorithm|kid|nonce|ciphertext``
(AES-256-GCM), and its associated data names table, row and field, so that a ciphertext moved elsewhere no longer
opens. Index keys are derived from a master of their own and never encrypt anything.
"""

import json
import os
import secrets
import stat
from base64 import b64decode, b64encode
from datetime import date
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from registry_api.kernel.errors import KeysUnusable
from registry_api.kernel.expiry_keys import ExpiryKeys, kid_of, month_of

_VERSION, _AES_256_GCM = 1, 1
_HEADER = 4  # version, algorithm, two bytes of key id
_NONCE = 12
_PUT_BACK = "Put back the one that was saved with the database, or run `registry-api enrol` on a new database."
_ROW_KID = 0  # an envelope under the row's own data key, which stands beside it


class EnvelopeError(Exception):
    """An envelope does not open: wrong key, wrong place, or altered."""


def _seal(key: AESGCM, kid: int, plaintext: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    header = bytes((_VERSION, _AES_256_GCM)) + kid.to_bytes(2, "big")
    return header + nonce + key.encrypt(nonce, plaintext, header + place)


def _open(key: AESGCM, envelope: bytes, place: bytes) -> bytes:
    header = envelope[:_HEADER]
    if header[:2] != bytes((_VERSION, _AES_256_GCM)):
        raise EnvelopeError("unknown envelope version or algorithm")
    try:
        return key.decrypt(envelope[_HEADER : _HEADER + _NONCE], envelope[_HEADER + _NONCE :], header + place)
    except InvalidTag as error:
        raise EnvelopeError("the envelope does not open") from error


class KeyProvider(Protocol):
    """Wraps data keys; a file on disk by default, a key-management service behind the same two calls."""

    @property
    def index_master(self) -> bytes:
        """The 32-byte master from which every blind-index key is derived."""
        ...

    def wrap(self, data_key: bytes, place: bytes, until: date | None = None) -> bytes:
        """Return the envelope of a 32-byte data key, bound to ``place``; it opens no longer than ``until``, if given.

        ``until``: the first day of a month, from which that month's key may be destroyed (``kernel.expiry_keys``).
        """
        ...

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        """Return the data key. Raises EnvelopeError when it does not open at ``place``."""
        ...


class LocalKeys:
    """The embedded default: key-encryption keys and the index master in one file readable by its owner only."""

    def __init__(
        self,
        current: int,
        key_encryption_keys: dict[int, bytes],
        index_master: bytes,
        expiry: ExpiryKeys | None = None,
    ) -> None:
        """Hold the keys; ``key_encryption_keys`` by key id (1 to 32767), each 32 bytes; ``expiry``: those of months."""
        self.expiry = expiry
        self._current = current
        self._keys = {kid: AESGCM(key) for kid, key in key_encryption_keys.items()}
        self.index_master = index_master

    @classmethod
    def load_or_create(cls, path: Path) -> "LocalKeys":
        """Read the key file, or create it (mode 0600) when there is none. Raises KeysUnusable.

        Whether a database may be given fresh keys is for ``installation.open_keys`` to say.
        """
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = {
                "current": 1,
                "key_encryption_keys": {"1": b64encode(secrets.token_bytes(32)).decode()},
                "index_master": b64encode(secrets.token_bytes(32)).decode(),
            }
            draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(fresh, file)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)  # unlike a rename, never replaces keys that another process just made
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> "LocalKeys":
        """Read the key file. Raises KeysUnusable when it is missing, damaged, or not for its owner's eyes alone."""
        try:
            if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise KeysUnusable(f"{path} may be read by others than its owner: give it mode 0600.")
            kept = json.loads(path.read_bytes())
            keys = {int(kid): b64decode(key) for kid, key in kept["key_encryption_keys"].items()}
            expiry = ExpiryKeys(path.with_name("expiry-keys"))
            return cls(kept["current"], keys, b64decode(kept["index_master"]), expiry)
        except OSError as error:
            raise KeysUnusable(f"The key file {path} cannot be read: {error.strerror}. {_PUT_BACK}") from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise KeysUnusable(f"{path} is not a key file. {_PUT_BACK}") from None

    def wrap(self, data_key: bytes, place: bytes, until: date | None = None) -> bytes:
        """Return the envelope of ``data_key`` under the current key-encryption key, in one of its month if it has one.

        Raises OSError when the month's key cannot be made.
        """
        inner = _seal(self._keys[self._current], self._current, data_key, place)
        if until is None or self.expiry is None:
            return inner
        return _seal(AESGCM(self.expiry.key(until)), kid_of(until), inner, place)

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        """Return the data key; an unknown key id is an EnvelopeError like any other that does not open."""
        kid = int.from_bytes(wrapped[2:_HEADER], "big")
        if (until := month_of(kid)) is not None:
            month = self.expiry.find(until) if self.expiry else None
            if month is None:
                raise EnvelopeError("the key of its month is not held here, or was destroyed")
            return self.unwrap(_open(AESGCM(month), wrapped, place), place)
        key = self._keys.get(kid)
        if key is None:
            raise EnvelopeError("the key-encryption key is not held here")
        return _open(key, wrapped, place)


class RowKey:
    """The data key of one row: seals and opens that row's fields."""

    __slots__ = ("_key", "_place", "wrapped")

    def __init__(self, data_key: bytes, wrapped: bytes, place: bytes) -> None:
        """``wrapped`` is what the row stores; ``place`` names the table and the row."""
        self._key = AESGCM(data_key)
        self.wrapped = wrapped
        self._place = place

    def seal(self, field: str, plaintext: bytes) -> bytes:
        """Return the envelope of one field's bytes."""
        return _seal(self._key, _ROW_KID, plaintext, self._place + field.encode())

    def open(self, field: str, envelope: bytes) -> bytes:
        """Return one field's bytes. Raises EnvelopeError when it is not that row's field."""
        return _open(self._key, envelope, self._place + field.encode())


class Vault:
    """Makes and opens row keys. One for each process; holds no data."""

    def __init__(self, keys: KeyProvider) -> None:
        """Use ``keys`` to wrap and unwrap."""
        self._keys = keys

    def new_key(self, table: str, row: UUID, *, until: date | None = None) -> RowKey:
        """Return a fresh random data key for a new row; store its ``wrapped`` beside the sealed fields.

        ``until``: from when on it is to open no longer (``KeyProvider.wrap``).
        """
        place = _place(table, row)
        data_key = secrets.token_bytes(32)
        return RowKey(data_key, self._keys.wrap(data_key, place, until), place)

    def key(self, table: str, row: UUID, wrapped: bytes) -> RowKey:
        """Return the data key of a stored row. Raises EnvelopeError when ``wrapped`` belongs elsewhere."""
        place = _place(table, row)
        return RowKey(self._keys.unwrap(wrapped, place), wrapped, place)

    def row_key(self, table: str, row: UUID, data_key: bytes) -> RowKey:
        """Return a row's key that is derived from something else which is kept, and so has no envelope of its own."""
        return RowKey(data_key, b"", _place(table, row))

    def wrap(self, table: str, row: UUID, secret: bytes, *, until: date | None = None) -> bytes:
        """Return the envelope of a 32-byte secret that is kept for a row, and from which its keys are derived.

        ``until``: as of ``new_key``.
        """
        return self._keys.wrap(secret, _place(table, row), until)

    def wrap_anew(self, table: str, row: UUID, wrapped: bytes, until: date | None) -> bytes:
        """Return what was wrapped for a row in an envelope that opens until another day. Raises EnvelopeError."""
        return self.wrap(table, row, self.unwrap(table, row, wrapped), until=until)

    def unwrap(self, table: str, row: UUID, wrapped: bytes) -> bytes:
        """Return what was wrapped for a row. Raises EnvelopeError when ``wrapped`` belongs elsewhere."""
        return self._keys.unwrap(wrapped, _place(table, row))


def _place(table: str, row: UUID) -> bytes:
    return table.encode() + b"|" + row.bytes + b"|"


def derive_key(master: bytes, purpose: str) -> bytes:
    """Return the 32-byte key of one purpose, derived from ``master`` (RFC 5869, HKDF-SHA256)."""
    return HKDF(SHA256(), 32, None, f"child-protection-register {purpose} 1".encode()).derive(master)
