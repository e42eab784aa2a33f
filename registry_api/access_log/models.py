"""The tables of the access log, and of the tree over it.

Rows are added and never changed, but for the queue and for secrets that are destroyed: triggers say so to whoever tries
by accident, the tree tells on whoever gets round them.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Identity, Index, SmallInteger, UniqueConstraint, Uuid
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import moment, row_id

_OF_OUR_TIME = "at >= '2000-01-01 00:00:00+00' AND at < '2200-01-01 00:00:00+00'"


class AccessEntry(SQLModel, table=True):
    """One thing that somebody did or was refused. Holds codes and identifiers, never what was asked."""

    __tablename__ = "access_entry"
    __table_args__ = (
        Index("access_entry_reference", "reference"),
        # Whoever may add one could give it a time with which nobody can reckon, and stop the signing of all.
        CheckConstraint(_OF_OUR_TIME, "access_entry_at"),
        # Those by which entries are searched for (audit).
        Index("access_entry_children", "child_ids", postgresql_using="gin"),
        Index("access_entry_organisation", "organisation_id", "id"),
        Index("access_entry_professional", "professional_id", "id"),
    )
    # No foreign keys: an entry outlives what it is about, and checking one would lock a row that every
    # other enquiry of the organisation needs as well.
    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = moment()
    kind: str
    client_id: str | None = None
    organisation_id: UUID | None = None
    professional_id: UUID | None = None
    reference: str | None = None
    """The reference of the enquiry, transfer or other thing concerned."""
    reason: str | None = None
    """A fixed code: why it was refused, or what became of it."""
    digest: bytes | None = None
    """SHA-256 of what is kept sealed beside it: the question that was asked, the answer that was given."""
    sought: bytes | None = None
    """Digest of what the register may be looked through for against this entry, and for nothing else."""
    child_ids: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))
    """Whom it is about, for the subject tags of its leaf."""
    particulars: str | None = None
    """JSON: who it was and on whose authority, as it was then (``particulars``). Codes and identifiers."""


class LogSearch(SQLModel, table=True):
    """What somebody asked of the log, and why: sealed, for it may name a child and say what is suspected of whom."""

    __tablename__ = "log_search"
    id: UUID = row_id()
    access_entry_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    at: datetime = moment()
    professional_id: UUID
    up_to: int = Field(sa_type=BigInteger)
    """The last entry that was there: later pages are of the same log."""
    data_key: bytes
    sealed_criteria: bytes


class LogOrigin(SQLModel, table=True):
    """A tree of its own, signed under a name of its own. Another one begins only after the database was put back."""

    __tablename__ = "log_origin"
    id: int | None = Field(default=None, sa_column=Column(SmallInteger, Identity(always=True), primary_key=True))
    origin: str = Field(unique=True)
    begun_at: datetime = moment()


class LogPending(SQLModel, table=True):
    """The queue: entries that are in no tree yet. A trigger puts every new entry here, whoever adds it."""

    __tablename__ = "log_pending"
    access_entry_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


class LogEntry(SQLModel, table=True):
    """An entry as it stands in the tree: a leaf with commitments, which tells nothing (``entry``)."""

    __tablename__ = "log_entry"
    id: UUID = Field(primary_key=True)
    access_entry_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    leaf: bytes


class LogPayload(SQLModel, table=True):
    """The fields of an entry, sealed under its secret."""

    __tablename__ = "log_payload"
    entry_id: UUID = Field(primary_key=True)
    sealed: bytes


class LogSecret(SQLModel, table=True):
    """What opens an entry, wrapped: the only rows of the log that may be destroyed."""

    __tablename__ = "log_secret"
    __table_args__ = (Index("log_secret_expires", "expires_on"),)
    entry_id: UUID = Field(primary_key=True)
    wrapped: bytes
    expires_on: date | None = None
    """From when on it is destroyed, with the key of its month; None for what is kept as long as the log, and for what
    was sealed before there were such keys."""


class LogLeaf(SQLModel, table=True):
    """Where an entry stands in a tree."""

    __tablename__ = "log_leaf"
    __table_args__ = (UniqueConstraint("origin_id", "entry_id"),)
    origin_id: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True))
    entry_id: UUID
    leaf_hash: bytes


class LogTile(SQLModel, table=True):
    """A full tile and its root. Partial ones are computed from the leaves and from the roots below."""

    __tablename__ = "log_tile"
    origin_id: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    level: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    number: int = Field(sa_column=Column(BigInteger, primary_key=True))
    hashes: bytes
    root: bytes


class LogHead(SQLModel, table=True):
    """The tree after each group of entries; the largest is what it is now."""

    __tablename__ = "log_head"
    origin_id: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, primary_key=True))
    root: bytes


class LogCheckpoint(SQLModel, table=True):
    """A head that was signed: the note as it is handed out."""

    __tablename__ = "log_checkpoint"
    origin_id: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, primary_key=True))
    note: bytes
