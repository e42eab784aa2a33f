"""Tables of the register. Who a child is stands sealed in the row; how it is found stands in the token tables.

What is in the clear says nothing without what is sealed: dates of plans and cases, codes, and random identifiers.
"""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, Index, SmallInteger, Uuid, text
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import codes, moment, row_id
from registry_api.matching.token_keys import TOKEN_VERSION


class Child(SQLModel, table=True):
    """One child, born or unborn (REG-1, REG-2, REG-3)."""

    __tablename__ = "child"
    __table_args__ = (Index("child_outdated", "id", postgresql_where=text(f"token_version < {TOKEN_VERSION}")),)
    id: UUID = row_id()
    data_key: bytes
    sealed_identity: bytes
    """JSON: names used, date of birth or expected delivery, sex, place of birth, mother, NHS number, household."""
    sealed_record: bytes
    """The normalised record that the scorer reads (``matching.record``)."""
    token_version: int = Field(sa_type=SmallInteger)
    number: int = Field(sa_type=BigInteger, unique=True)
    """What rows of the index point to, behind their masks (``matching.token_keys``)."""
    source_tag: bytes | None = Field(default=None, unique=True)
    """HMAC of the record's identifier in the authority's own system: finds it again at the next import."""
    source_digest: bytes | None = None
    """HMAC of the imported row: the same row again changes nothing."""
    looked_after: bool = False
    missing_since: date | None = None
    restricted: bool = False
    created_at: datetime = moment()
    updated_at: datetime = moment()


class ChildAddress(SQLModel, table=True):
    """Where a child lives or lived, now and in the last years (REG-2)."""

    __tablename__ = "child_address"
    id: UUID = row_id()
    child_id: UUID = Field(foreign_key="child.id", index=True, ondelete="CASCADE")
    sealed: bytes
    """JSON: lines, postcode, uprn, and from when to when: a child often lives somewhere since the day of its birth."""


class HouseholdMember(SQLModel, table=True):
    """A parent or other person of the household, and what they are to the child (REG-2)."""

    __tablename__ = "household_member"
    id: UUID = row_id()
    child_id: UUID = Field(foreign_key="child.id", index=True, ondelete="CASCADE")
    relationship_to_child: str
    sealed: bytes
    """JSON: name; sealed with the child's data key."""


class ChildCase(SQLModel, table=True):
    """A case of Children's Services, open or closed, with or without a plan (ENQ-4, ENQ-8)."""

    __tablename__ = "child_case"
    id: UUID = row_id()
    child_id: UUID = Field(foreign_key="child.id", index=True, ondelete="CASCADE")
    opened_on: date
    closed_on: date | None = None
    key_worker_id: UUID | None = Field(default=None, foreign_key="professional.id")
    team_manager_id: UUID | None = Field(default=None, foreign_key="professional.id")


class Plan(SQLModel, table=True):
    """A child protection plan: a full entry, or a temporary one until a transfer conference (REG-4, TRF-2)."""

    __tablename__ = "plan"
    __table_args__ = (
        # One plan at a time for each child: two would make "the" status of an answer a matter of chance.
        Index("plan_one_active", "child_id", unique=True, postgresql_where=text("ended_on IS NULL")),
        Index("plan_child", "child_id"),
    )
    id: UUID = row_id()
    child_id: UUID = Field(foreign_key="child.id", ondelete="CASCADE")
    kind: str
    """``full`` or ``temporary``."""
    categories: list[str] = codes()
    started_on: date
    ended_on: date | None = None
    responsible_organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    """The authority that answers for the plan when it is not this one (REG-5, TRF-2)."""
    sealed_other_key_worker: bytes | None = None
    """JSON: name and phone of the responsible authority's key worker; sealed with the child's data key."""


class ChildToken(SQLModel, table=True):
    """A blind-index token by which a child is found.

    Has no index by child: the rows to remove are computed again from the sealed record, which halves the index.
    """

    __tablename__ = "child_token"
    token: int = Field(sa_type=BigInteger, primary_key=True)
    nonce: int | None = Field(default=None, sa_type=BigInteger)
    pointer: int = Field(sa_type=BigInteger, primary_key=True)
    """The child's number, behind a mask of this row's own; without ``nonce`` (before version 3) unmasked."""


class AddressToken(SQLModel, table=True):
    """A blind-index token of where a child lives or lived, for enquiries about others at that address (ENQ-5)."""

    __tablename__ = "address_token"
    token: int = Field(sa_type=BigInteger, primary_key=True)
    nonce: int | None = Field(default=None, sa_type=BigInteger)
    pointer: int = Field(sa_type=BigInteger, primary_key=True)
    """As of ``ChildToken``."""


class ChildChanged(SQLModel, table=True):
    """A child who was entered or changed and whom earlier enquiries have not been matched with yet.

    Written with the change itself, so that nothing depends on clocks or on the order in which changes are committed.
    """

    __tablename__ = "child_changed"
    child_id: UUID = Field(primary_key=True, foreign_key="child.id", ondelete="CASCADE")
    changed_at: datetime = moment()


class RiskPerson(SQLModel, table=True):
    """A person of whom it was notified that they may pose a risk of significant harm (CUS-1)."""

    __tablename__ = "risk_person"
    id: UUID = row_id()
    data_key: bytes
    sealed_notification: bytes
    """JSON: who the person is, where they live and lived, what the concern is, and who notified it when."""
    sealed_record: bytes
    """The normalised addresses, as the comparison of addresses reads them."""
    token_version: int = Field(sa_type=SmallInteger)
    source_tag: bytes = Field(unique=True)
    source_digest: bytes
    ended_on: date | None = None
    """From when on the notification holds no longer."""
    updated_at: datetime = moment()


class RiskToken(SQLModel, table=True):
    """A blind-index token of where such a person lives or lived, under keys that no child's token is made with."""

    __tablename__ = "risk_token"
    token: int = Field(sa_type=BigInteger, primary_key=True)
    person_id: UUID = Field(primary_key=True, index=True, foreign_key="risk_person.id", ondelete="CASCADE")


class RiskTold(SQLModel, table=True):
    """A person who was brought to those who follow up a child on a plan at the same address: once (CUS-1)."""

    __tablename__ = "risk_told"
    person_id: UUID = Field(primary_key=True, foreign_key="risk_person.id", ondelete="CASCADE")
    child_id: UUID = Field(primary_key=True, foreign_key="child.id", index=True, ondelete="CASCADE")
    at: datetime = moment()


class RegisterLoad(SQLModel, table=True):
    """One taking-in of entries, also when nothing changed: how fresh the register is stands in every answer."""

    __tablename__ = "register_load"
    id: UUID = row_id()
    loaded_at: datetime = moment(index=True)
    source: str
    """``import``, ``transfer``, or ``people`` who may pose a risk."""
    added: int
    changed: int
    unchanged: int


class RegisterOpened(SQLModel, table=True):
    """One look into the register by what answers requests: against which entry of the log, and what it was handed.

    Only the gates themselves write and read it. Rows are added and never changed, and erased with their entry.
    """

    __tablename__ = "register_opened"
    access_entry_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    enquiry_id: UUID
    """Of what question it was a look; ``NO_ENQUIRY`` of an inbox."""
    child_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    """The candidates that it was handed: of whom it may then be asked how they stand. None of an inbox."""
    homes: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
    """Tokens of the homes that were asked about. None of an inbox."""


NO_ENQUIRY: Final = UUID(int=0)
"""What the look of an inbox has for an enquiry."""
