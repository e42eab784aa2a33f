"""What authentication needs stored, and what a stored client and professional look like from here.

``auth`` owns no table. Whoever starts the service supplies these; tests supply them from memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol
from uuid import UUID

from policies.enquirer import Enquirer, Role

Clock = Callable[[], datetime]
"""The time now, aware and in UTC."""


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """An organisation's system, as enrolled.

    ``jwks`` is a JWK set (RFC 7517) of public keys, each with a ``kid``; several are allowed, so that an organisation
    can rotate its key without an interruption. ``scopes`` is the most that a token of this client may carry.
    ``organisation_code`` is how the configuration knows its organisation.
    """

    client_id: str
    organisation_id: UUID
    jwks: Mapping[str, Any]
    scopes: frozenset[str]
    active: bool
    organisation_code: str


@dataclass(frozen=True, slots=True)
class RegisteredProfessional:
    """An individual whom an organisation has enrolled. ``role`` is needed where their provider has to bear it out."""

    professional_id: UUID
    active: bool
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class UsedProof:
    """The use of a DPoP proof.

    ``digest`` is the SHA-256 of its key's thumbprint and ``jti``; ``nonce_at`` is when its nonce was made; the use may
    be forgotten after ``remember_until``.
    """

    digest: bytes
    nonce_at: datetime
    remember_until: datetime


class Spending(Enum):
    """What came of using up a proof."""

    FIRST = auto()
    AGAIN = auto()
    UNKNOWN = auto()
    """The store remembers no further back than a moment after the proof's nonce was made: it may have been used."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What is known, at this moment, of a token that is presented.

    ``enquirer`` is the live standing of both, with the scopes that tokens of the client may have now; None when they do
    not belong together. ``proof`` is None when none was to be spent.
    """

    enquirer: Enquirer | None
    revoked: bool
    proof: Spending | None


class Directory(Protocol):
    """Who is enrolled, as it stands at this moment. Nothing here is cached by the caller."""

    async def client(self, client_id: str) -> RegisteredClient | None:
        """Return the client of that identifier, suspended ones included, or None."""
        ...

    async def professional(self, organisation_id: UUID, subject: str) -> RegisteredProfessional | None:
        """Return the professional whom the organisation itself calls ``subject``, or None."""
        ...


class Presentations(Protocol):
    """The tokens that are presented, each with a proof that is used up by it; shared by all processes."""

    async def present(self, client_id: str, professional_id: UUID, token_id: str, proof: UsedProof | None) -> Presented:
        """Return the standing of both and of the token, and use up the proof, in one round trip.

        Atomic: of any number of concurrent calls with the same proof, exactly one is told FIRST.

        Args:
            client_id: of the token.
            professional_id: of the token.
            token_id: the token's ``jti``.
            proof: what to use up; None for a token that is bound to a certificate.
        """
        ...

    async def spend_proof(self, proof: UsedProof) -> Spending:
        """Use up a proof that comes without a token, as ``present`` does."""
        ...

    async def proofs_since(self) -> datetime:
        """Return from when on proofs are remembered: from a little after now, where nothing is remembered any more."""
        ...


class Revocations(Protocol):
    """The tokens that were revoked, shared by all processes; ``Presentations`` tells of them."""

    async def revoke(self, token_id: str, expires_at: int, client_id: str, professional_id: UUID) -> None:
        """Keep a token as revoked, and record that; both durable before it returns. Again it changes nothing.

        Args:
            token_id: the token's ``jti``.
            expires_at: its ``exp``, in seconds since the epoch; until then at least it is kept.
            client_id: of the token, and who revokes it.
            professional_id: of the token.
        """
        ...


class SpentAssertions(Protocol):
    """The assertions that were used up (RFC 7523 section 3, ``jti``), shared by all processes."""

    async def spend(self, issuer: str, jti: str, expires_at: datetime) -> bool:
        """Use up one assertion and return whether this was its first use.

        Atomic: of any number of concurrent calls with the same issuer and jti, exactly one returns True, and its use is
        stored durably before it returns. The entry may be forgotten after ``expires_at``.
        """
        ...


class RefusalRecord(Protocol):
    """Where refusals are written down (ENQ-3)."""

    async def refused(
        self,
        *,
        kind: str,
        reason: str,
        client_id: str | None,
        professional_id: UUID | None = None,
        subject: str | None = None,
    ) -> None:
        """Record one refusal durably before returning.

        Args:
            kind: ``token.refused``, ``revocation.refused`` or ``introspection.refused`` at an endpoint of the
                authorization server, ``access.refused`` at a protected resource.
            reason: a value of ``auth.errors.Reason``.
            client_id: the enrolled client that the caller proved, or merely claimed, to be: the reason tells which.
                An identifier that is not enrolled is never passed on.
            professional_id: the individual, where known.
            subject: the organisation's own identifier of the individual, where its signature vouches for it.

        Raises:
            Exception: of any type, when the refusal could not be recorded. The caller then gives no answer.
        """
        ...
