"""From a row of the access log to its entry in the tree: fields committed to and sealed, under a secret of its own."""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid4

from registry_api.access_log.entry import Entry, new_secret, salt, subject_key
from registry_api.kernel.crypto import KeyProvider, RowKey, Vault, derive_key

_TABLE: Final = "log_entry"
BEGUN_ANEW: Final = "log.begun_anew"
"""The first entry of a tree after another; its reference names the last signed head of that."""

MATCHED_AGAIN: Final = "enquiry.matched_again"
"""An enquiry was matched again: with its reference, that would tell who asked that the child is known by now."""
UNREADABLE: Final = "entry.unreadable"
"""A row that is none of this release's. It stands in the tree like any other, its columns sealed as they are: left in
the queue, it would keep everybody from being answered."""
_OPENLY: Final = {"enquiry.restricted_opened": "enquiry.answered"}
"""Kinds that would tell whoever has the reference how the child stands, as they stand open. Each entry commits to its
true kind as well."""

_MADE_UP = re.compile("[A-Z]-[0-9A-Z]{5}-[0-9A-Z]{5}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FIELDS: Final = ("client_id", "organisation_id", "professional_id", "reason")


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """What is stored of an entry: its leaf, its fields sealed, and its secret wrapped."""

    id: UUID
    access_entry_id: int
    leaf: bytes
    sealed: bytes
    wrapped: bytes
    expires_on: date | None


def subject_master(keys: KeyProvider) -> bytes:
    """Return the master from which the key of each child is derived."""
    return derive_key(keys.index_master, "log subject")


def _fields(row: Mapping[str, Any]) -> dict[str, str]:
    fields = {"kind": row["kind"], **{name: str(row[name]) for name in _FIELDS if row[name] is not None}}
    if row["particulars"] is not None:
        fields |= json.loads(row["particulars"])
    for name in ("digest", "sought"):
        if row[name] is not None:
            fields[name] = row[name].hex()
    if row["reference"] is not None and open_reference(row) is None:
        fields["reference"] = row["reference"]
    return fields


def _payload_key(vault: Vault, entry_id: UUID, secret: bytes) -> RowKey:
    return vault.row_key(_TABLE, entry_id, derive_key(secret, "log payload"))


def _written(row: Mapping[str, Any], entry_id: UUID, secret: bytes, subjects: bytes) -> tuple[Mapping[str, str], bytes]:
    """Return the fields of the entry of a row, and its leaf."""
    try:
        keys = tuple(subject_key(subjects, child_id) for child_id in row["child_ids"] or ())
        kind = _OPENLY.get(row["kind"], row["kind"])
        made = Entry(entry_id, kind, row["at"], _fields(row), open_reference(row), keys)
        return made.fields, made.leaf(secret)
    except (ValueError, TypeError, AttributeError):
        columns = ("kind", "reference", "particulars", "child_ids", "digest", "sought", *_FIELDS)
        made = Entry(entry_id, UNREADABLE, row["at"], {name: str(row[name]) for name in columns})
        return made.fields, made.leaf(secret)


def wrapped_anew(vault: Vault, entry_id: UUID, wrapped: bytes, until: date | None) -> bytes:
    """Return an entry's secret in an envelope that opens until another day. Raises EnvelopeError."""
    return vault.wrap_anew(_TABLE, entry_id, wrapped, until)


def open_reference(row: Mapping[str, Any]) -> str | None:
    """Return the reference if anybody may read it: one that we made up ourselves. Others may hold a name."""
    reference: str | None = row["reference"]
    if row["kind"] == MATCHED_AGAIN:
        return None
    if reference is None or not (_MADE_UP.fullmatch(reference) or row["kind"] == BEGUN_ANEW):
        return None
    return reference


def seal(row: Mapping[str, Any], vault: Vault, subjects: bytes, expires_on: date | None = None) -> SealedEntry:
    """Return the entry of a row of ``access_entry``, under an id and a secret made for it.

    ``subjects``: the master of the subject keys (``subject_master``). ``expires_on``: from when on it opens no longer,
    the first day of a month.
    """
    entry_id, secret = uuid4(), new_secret()
    fields, leaf = _written(row, entry_id, secret, subjects)
    sealed = _payload_key(vault, entry_id, secret).seal("fields", json.dumps(dict(fields)).encode())
    secret_wrapped = vault.wrap(_TABLE, entry_id, secret, until=expires_on)
    return SealedEntry(entry_id, row["id"], leaf, sealed, secret_wrapped, expires_on)


def opening(vault: Vault, entry_id: UUID, wrapped: bytes, sealed: bytes, names: list[str]) -> dict[str, Any]:
    """Return what opens fields of an entry, as ``verify.py open-entry`` reads it; no names are all fields.

    Names of fields that the entry has not are passed over. Raises EnvelopeError when the secret or the payload does not
    open.
    """
    secret = vault.unwrap(_TABLE, entry_id, wrapped)
    fields: dict[str, str] = json.loads(_payload_key(vault, entry_id, secret).open("fields", sealed))
    shown = {name: fields[name] for name in fields if not names or name in names}
    opened = {name: {"salt": salt(secret, name).hex(), "value": value} for name, value in shown.items()}
    return {"id": str(entry_id), "fields": opened}


def field_salt(vault: Vault, entry_id: UUID, wrapped: bytes, name: str) -> bytes:
    """Return what opens one field of an entry, and no other. Raises EnvelopeError when the secret does not open."""
    return salt(vault.unwrap(_TABLE, entry_id, wrapped), name)


def is_of(row: Mapping[str, Any], vault: Vault, subjects: bytes) -> bool:
    """Return whether an entry in the tree says what the row of ``access_entry`` beside it says now.

    ``row`` has both. Raises EnvelopeError when the secret does not open.
    """
    secret = vault.unwrap(_TABLE, row["entry_id"], row["wrapped"])
    _, written = _written(row, row["entry_id"], secret, subjects)
    return hmac.compare_digest(written, row["leaf"])
