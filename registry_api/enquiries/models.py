"""Tables of the main job: what was asked, and what was answered. Both are written once and never changed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, SmallInteger, text
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import codes, moment, row_id, since_then
from registry_api.matching.token_keys import TOKEN_VERSION


class Enquiry(SQLModel, table=True):
    """One enquiry and its enquirer, committed before the register is read (ENQ-2)."""

    __tablename__ = "enquiry"
    __table_args__ = (
        Index(
            "enquiry_idempotency_key",
            "client_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index("enquiry_organisation", "organisation_id", "received_at"),
        Index("enquiry_professional", "professional_id", "received_at"),
    )
    # No foreign keys to the organisation, client or professional: checking them would lock rows that every
    # other enquiry of the same force needs at the same moment. The directory never deletes.
    id: UUID = row_id()
    reference: str = Field(unique=True)
    received_at: datetime = moment(index=True)
    client_id: str
    organisation_id: UUID
    professional_id: UUID
    role: str
    purpose: str
    reason: str
    urgency: str
    assurance: int = since_then(0, "0")
    """How surely it is known who asked (``policies.enquirer.Assurance``)."""
    disclosure: str = since_then("full", "'full'")
    """How much they may be told (``policies.enquirer.Disclosure``)."""
    opens_restricted: bool = since_then(False, "false")
    """Whether they are told of a restricted child, too."""
    policies: list[str] = codes(default_factory=list, sa_column_kwargs={"server_default": text("'{}'")})
    """The ids of the policies that decided whether they may ask, and how much they may be told."""
    policy_bundle: str = since_then("", "''")
    """SHA-256 of the policies as they stood, in hexadecimal: with it any decision can be judged again."""
    taken_by: UUID | None = None
    """The duty worker who took it down on the telephone; None when the enquirer asked by themselves."""
    refusal: str | None = None
    """Why it was not answered: a fixed code. None when it may be answered."""
    idempotency_key: str | None = None
    request_digest: bytes
    """HMAC of the request's content: the same key with another content is another request."""
    data_key: bytes
    sealed_question: bytes
    """JSON as asked: details of the child, reason text, call-back number."""
    sealed_record: bytes
    """The normalised record, by which a later enquiry about the same child finds this one (ENQ-7)."""


class EnquiryAnswer(SQLModel, table=True):
    """The answer to one enquiry. Its presence is what "answered" means."""

    __tablename__ = "enquiry_answer"
    enquiry_id: UUID = Field(primary_key=True, foreign_key="enquiry.id")
    answered_at: datetime = moment()
    outcome: str
    row: str
    """The row of the decision table that decided."""
    child_id: UUID | None = Field(default=None, index=True)
    sealed_answer: bytes
    """The very bytes that were sent; sealed with the enquiry's data key."""


class EnquiryToken(SQLModel, table=True):
    """A blind-index token by which a later enquiry about the same child finds this one (ENQ-7).

    Has no index by enquiry: as of a child, the rows to remove are computed again from the sealed record.
    """

    __tablename__ = "enquiry_token"
    token: int = Field(sa_type=BigInteger, primary_key=True)
    nonce: int | None = Field(default=None, sa_type=BigInteger)
    pointer: int = Field(sa_type=BigInteger, primary_key=True)
    """The enquiry's number, behind a mask of this row's own; without ``nonce`` (from an earlier release) unmasked."""


class EnquiryIndexed(SQLModel, table=True):
    """How an enquiry stands in that index. The enquiry itself is written once; this changes as it is indexed anew."""

    __tablename__ = "enquiry_indexed"
    __table_args__ = (
        Index("enquiry_indexed_to_do", "version", postgresql_where=text(f"alone OR version < {TOKEN_VERSION}")),
    )
    enquiry_id: UUID = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, index=True)
    """What its rows point to, behind their masks (``matching.token_keys``)."""
    version: int = Field(sa_type=SmallInteger)
    """Of what tokens its rows are made."""
    alone: bool
    """Whether its rows were written by themselves, so that their place in the table shows that they belong together."""


class CallBack(SQLModel, table=True):
    """One attempt to call an enquirer back who telephoned. The answer is given out once one has reached them."""

    __tablename__ = "call_back"
    id: UUID = row_id()
    enquiry_id: UUID = Field(index=True)
    at: datetime = moment()
    called_by: UUID
    called: str
    """Which number of the directory was called: a code, never the number."""
    reached: bool


class MatchedAgain(SQLModel, table=True):
    """An earlier enquiry that found nobody then, and whom it is about, or may be, as the register stands now.

    What stands here has been told to those who follow it up, and is not told again.
    """

    __tablename__ = "matched_again"
    enquiry_id: UUID = Field(primary_key=True)
    child_id: UUID = Field(primary_key=True)
    band: str
    """``match`` or ``possible`` (``matching.bands``)."""
    at: datetime = moment()
