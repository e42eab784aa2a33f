"""Tables of who exists. Names and telephone numbers of individuals are sealed; those of organisations are public."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import codes, moment, row_id, since_then


class Organisation(SQLModel, table=True):
    """An organisation that may ask, or another authority, or this authority itself (``own_authority``)."""

    __tablename__ = "organisation"
    __table_args__ = (
        Index("organisation_own_authority", "own_authority", unique=True, postgresql_where=text("own_authority")),
    )
    id: UUID = row_id()
    code: str = Field(unique=True)
    name: str
    kind: str
    own_authority: bool = False
    office_phone: str = ""
    out_of_hours_phone: str = ""
    suspended_at: datetime | None = moment(default=None)


class DataSharingAgreement(SQLModel, table=True):
    """What an organisation may use the service for, and between which days (both included)."""

    __tablename__ = "agreement"
    id: UUID = row_id()
    organisation_id: UUID = Field(foreign_key="organisation.id", index=True)
    purposes: list[str] = codes()
    valid_from: date
    valid_to: date
    reviewed_on: date | None = None
    disclosure: str = since_then("full", "'full'")
    """How much is told (``policies.enquirer.Disclosure``)."""
    suspended_at: datetime | None = moment(default=None)


class Client(SQLModel, table=True):
    """A system of an organisation: its OAuth client and public keys (several during a rotation)."""

    __tablename__ = "client"
    id: str = Field(primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id", index=True)
    jwks: dict[str, Any] = Field(sa_type=JSON)
    scopes: list[str] = codes()
    suspended_at: datetime | None = moment(default=None)


class Professional(SQLModel, table=True):
    """An individual whom an organisation has enrolled. ``subject`` is that organisation's own identifier of them."""

    __tablename__ = "professional"
    __table_args__ = (Index("professional_subject", "organisation_id", "subject", unique=True),)
    id: UUID = row_id()
    organisation_id: UUID = Field(foreign_key="organisation.id")
    subject: str
    role: str
    data_key: bytes
    sealed: bytes
    """JSON of ``name``, ``phone`` and, where given, ``home_address``."""
    by_phone: bool = since_then(False, "false")
    """Put down by a duty worker during a telephone enquiry; no assertion and no sign-in can name them."""
    suspended_at: datetime | None = moment(default=None)


class Cover(SQLModel, table=True):
    """Who stands in while a member of staff is away (ENQ-11); without ``covered_by`` they are merely away."""

    __tablename__ = "cover"
    id: UUID = row_id()
    professional_id: UUID = Field(foreign_key="professional.id", index=True)
    covered_by: UUID | None = Field(default=None, foreign_key="professional.id")
    starts_at: datetime = moment()
    ends_at: datetime = moment()


class DirectoryChange(SQLModel, table=True):
    """One change to who takes part, with who made it and why. Rows are added and never changed."""

    __tablename__ = "directory_change"
    id: UUID = row_id()
    at: datetime = moment(index=True)
    what: str
    did: str
    reference: str
    """A code or an identifier, never a name."""
    organisation_id: UUID = Field(index=True)
    """Whose entry it is, or the organisation itself."""
    professional_id: UUID | None = None
    """Who made it, when it came over the API or from a command that names a member of staff."""
    operator: str | None = None
    """The account of the machine on which a command was typed."""
    data_key: bytes
    sealed_why: bytes
