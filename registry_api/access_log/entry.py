"""What stands in the log of one thing that was done: a leaf that names nobody, and the secrets that open it.

A leaf holds a commitment to each field in place of the field. The entry's secret opens all of them; the salt of one
field opens that field alone, and says nothing of the others. Subject tags let whoever holds a child's key find every
entry about that child; to everybody else no two of them have anything in common. Without the secret, which can be
destroyed, a leaf tells nothing and yet stays what the tree was built over.
"""

import hashlib
import hmac
import json
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from registry_api.access_log.tiles import LONGEST_ENTRY

VERSION: Final = 1
"""The form of the leaves written by this release."""
SECRET_SIZE: Final = 32
"""Bytes of an entry's secret, of a child's subject key, and of the master that those are derived from."""
TAG_SIZE: Final = 16
"""Bytes of a subject tag."""
TAGS: Final = 8
"""Every entry has so many tags, or a multiple: more than eight children of one household on plans are rare."""

DOMAIN: Final = b"child-protection-register log commitment 1\x00"
"""What every commitment begins with."""
_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]*")


def _base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _mac(key: bytes, message: bytes) -> bytes:
    if len(key) != SECRET_SIZE:
        # HMAC pads a shorter key with zeroes and hashes a longer one: two keys could do the work of one.
        raise ValueError("a key of the log has 32 bytes")
    return hmac.digest(key, message, hashlib.sha256)


def new_secret() -> bytes:
    """Return the secret of a new entry."""
    return secrets.token_bytes(SECRET_SIZE)


def salt(secret: bytes, name: str) -> bytes:
    """Return what opens the field ``name`` of the entry with this secret, and no other field."""
    return _mac(secret, name.encode())


def commitment(salt: bytes, name: str, value: str) -> str:
    """Return what stands in the leaf for a field. Both name and value are fixed by it; neither can be guessed."""
    # The length before the name keeps a letter from moving between name and value.
    named = name.encode()
    return _base64url(hashlib.sha256(DOMAIN + salt + bytes((len(named),)) + named + value.encode()).digest())


def subject_key(master: bytes, child_id: UUID) -> bytes:
    """Return the key by which every entry about a child is found."""
    return _mac(master, b"subject|" + child_id.bytes)


def subject_tag(key: bytes, entry_id: UUID) -> str:
    """Return the mark that an entry carries of the child with this key."""
    return _base64url(_mac(key, str(entry_id).encode())[:TAG_SIZE])


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done. ``fields`` are sealed and committed to; the rest stands in the leaf for all to read.

    ``reference`` ties the entries of one enquiry together; like ``kind`` it is a code, and never about a person.
    ``subjects`` are the subject keys of the children concerned.
    """

    id: UUID
    kind: str
    at: datetime
    fields: Mapping[str, str]
    reference: str | None = None
    subjects: Iterable[bytes] = field(default=(), repr=False)

    def _tags(self, secret: bytes) -> list[str]:
        """Return the tags of the children, filled up with tags of nobody, in an order that says nothing of theirs.

        How many there are would tell an enquirer whether a child on a plan lives at the address (ENQ-5).
        """
        tags = [subject_tag(key, self.id) for key in self.subjects]
        filled = max(TAGS, -(-len(tags) // TAGS) * TAGS)
        nobody = (_mac(secret, b"nobody|" + bytes((number,))) for number in range(filled - len(tags)))
        return sorted([*tags, *(subject_tag(key, self.id) for key in nobody)])

    def leaf(self, secret: bytes) -> bytes:
        """Return the entry as it stands in the tree: canonical JSON (RFC 8785) without personal data.

        Raises ValueError for a name, kind or reference that is no code, for an entry longer than a bundle can hold
        and for a secret that is not 32 bytes.
        """
        for code in (self.kind, *self.fields):
            if not _CODE.fullmatch(code) or len(code) > 255:
                raise ValueError("kinds and names of fields are codes")
        if self.reference is not None and not _REFERENCE.fullmatch(self.reference):
            raise ValueError("a reference is a code")
        written = {
            "v": VERSION,
            "id": str(self.id),
            "t": self.kind,
            "ts": self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "c": [[name, commitment(salt(secret, name), name, self.fields[name])] for name in sorted(self.fields)],
            "s": self._tags(secret),
            "ref": self.reference,
        }
        # All of it is ASCII without anything to escape, for which sorted keys without spaces are the canonical form.
        leaf = json.dumps(written, sort_keys=True, separators=(",", ":")).encode()
        if len(leaf) > LONGEST_ENTRY:
            raise ValueError("longer than an entry may be")
        return leaf
