"""Tables of what ``auth`` needs stored. None holds a token, a session id or a proof: digests and identifiers alone."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import moment

_UNLOGGED = {"prefixes": ["UNLOGGED"]}
"""Written at every request, and worth nothing after a minute: without a write-ahead log no commit waits for a disk."""


class SpentAssertion(SQLModel, table=True):
    """An assertion that has been used: it may not be used again while it could still be valid (RFC 7523 section 3)."""

    __tablename__ = "spent_assertion"
    issuer: str = Field(primary_key=True)
    jti: str = Field(primary_key=True)
    expires_at: datetime = moment(index=True)


class SpentProof(SQLModel, table=True):
    """A DPoP proof that has been used (RFC 9449 section 11.1), by the SHA-256 of its key's thumbprint and ``jti``."""

    __tablename__ = "spent_proof"
    __table_args__ = _UNLOGGED
    digest: bytes = Field(primary_key=True)
    expires_at: datetime = moment(index=True)


class ProofMemory(SQLModel, table=True):
    """Since when proofs are remembered. A crash of the server empties both tables: what is older is refused then."""

    __tablename__ = "proof_memory"
    __table_args__ = _UNLOGGED
    the_one: bool = Field(default=True, primary_key=True)
    since: datetime = moment()


class RevokedToken(SQLModel, table=True):
    """An access token that was revoked (RFC 7009), by its ``jti``, until it would have expired."""

    __tablename__ = "revoked_token"
    jti: str = Field(primary_key=True)
    expires_at: datetime = moment(index=True)


class SignInAttempt(SQLModel, table=True):
    """A sign-in that was begun and not ended: what its answer is held against (OpenID Connect Core section 3.1.2)."""

    __tablename__ = "sign_in_attempt"
    state_digest: bytes = Field(primary_key=True)
    """SHA-256 of ``state``."""
    browser_digest: bytes
    """SHA-256 of the cookie of the browser that began it: no other may end it."""
    nonce: str
    code_verifier: str
    return_to: str
    """A path of ours."""
    session_digest: bytes | None = None
    """Of the session that the browser had, which ends when this comes to its end."""
    step_up: bool = False
    """Whoever has that session is to prove themselves anew."""
    started_at: datetime = moment()
    expires_at: datetime = moment(index=True)


class StaffSession(SQLModel, table=True):
    """A member of staff who has signed in. Ended sessions are kept until they would have expired, and then dropped."""

    __tablename__ = "staff_session"
    digest: bytes = Field(primary_key=True)
    """SHA-256 of the 256-bit identifier that only the browser has."""
    professional_id: UUID = Field(foreign_key="professional.id", index=True)
    issuer: str = Field(index=True)
    subject: str
    sid: str | None = None
    """The provider's own identifier of the session, by which it may end it (OpenID Connect Back-Channel Logout)."""
    assurance: int
    authenticated_at: datetime = moment()
    stepped_up_at: datetime | None = moment(default=None)
    started_at: datetime = moment()
    last_used_at: datetime = moment()
    expires_at: datetime = moment(index=True)
    """The absolute end; the idle limit is counted from ``last_used_at``."""
    ended_at: datetime | None = moment(default=None)
