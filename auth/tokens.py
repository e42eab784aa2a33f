"""Access tokens: ES256 ``at+jwt`` (RFC 9068) of five minutes that name the organisation *and* the individual, always.

Each is bound to a key (``auth.binding``), without which it is worth nothing to whoever comes by it. Issued with
joserfc, verified with python-jose behind the strict front of ``auth.compact``. A token proves who asked for it and
nothing about their standing, which is looked up at every request.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from jose import jwk, jws
from jose.exceptions import JOSEError
from joserfc import jwt

from auth.binding import Binding
from auth.compact import FUTURE_SECONDS, MAX_BYTES, Compact, check_times, read_compact, text
from auth.errors import InvalidToken, Reason
from auth.keys import ALGORITHM, KeySource, SigningKeys
from auth.protocols import Clock, RegisteredClient, RegisteredProfessional
from policies.enquirer import Assurance

LIFETIME_SECONDS = 300
SCOPES = frozenset({"enquiry", "transfer", "casework", "directory"})
_HEADER = frozenset({"alg", "typ", "kid"})
_ASSURANCES = {level.name.lower(): level for level in Assurance if level is not Assurance.STATED}


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a verified access token says. Times are whole seconds since the epoch.

    ``authenticated_at`` is when the individual last signed in at their own organisation, where that is known.
    """

    client_id: str
    organisation_id: UUID
    professional_id: UUID
    scope: frozenset[str]
    binding: Binding
    jti: str
    issued_at: int
    expires_at: int
    assurance: Assurance = Assurance.STATED
    authenticated_at: int | None = None


class TokenIssuer:
    """Signs access tokens with the key whose time it is."""

    def __init__(self, issuer: str, audience: str, keys: KeySource, clock: Clock) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._clock = clock

    def issue(
        self,
        client: RegisteredClient,
        professional: RegisteredProfessional,
        scope: str,
        binding: Binding,
        assurance: Assurance = Assurance.STATED,
        authenticated_at: datetime | None = None,
    ) -> str:
        """Return a signed access token (RFC 9068 section 2).

        Args:
            client: the organisation's system that asked for it, which acts for the individual (RFC 8693 section 4.1).
            professional: the individual whom it is for.
            scope: space-separated, already found allowed for the client.
            binding: the key that whoever presents the token has to hold.
            assurance: how surely the organisation knows the individual; STATED is not written into the token.
            authenticated_at: when the individual signed in at their organisation, where that is known.
        """
        now = int(self._clock().timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(professional.professional_id),
            "client_id": client.client_id,
            "act": {"sub": client.client_id},
            "cnf": binding.claim,
            "org": str(client.organisation_id),
            "scope": scope,
            "jti": str(uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
        }
        if assurance is not Assurance.STATED:
            claims["acr"] = assurance.name.lower()
        if authenticated_at is not None:
            claims["auth_time"] = int(authenticated_at.timestamp())
        # The kid is set by hand: a single key would otherwise be used without one, several at random.
        signing = self._keys().signing(now)
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": signing.kid}
        return jwt.encode(header, claims, signing.key, algorithms=[ALGORITHM])


class TokenVerifier:
    """Verifies access tokens that ``issuer`` issued for ``audience``.

    A verified signature is remembered by the SHA-256 of the token, for the verification costs a quarter of a worker's
    throughput. The cache is bounded, holds only tokens that were accepted, is emptied when the keys change, and its
    answers are held against the clock at every call. Not shared between threads.

    Args:
        keys: those of the issuer.
        remembered: the most tokens to remember; the least recently used go first.
    """

    def __init__(self, issuer: str, audience: str, keys: KeySource, clock: Clock, *, remembered: int = 4096) -> None:
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._keys = keys
        self._remembered = remembered
        self._cache: OrderedDict[bytes, VerifiedToken] = OrderedDict()
        self._learned = SigningKeys(())
        self._imported: dict[str, Any] = {}

    def verify(self, token: str) -> VerifiedToken:
        """Return what the token says.

        Raises:
            InvalidToken: for whatever is wrong with it. It names the client and the professional when the token is
                genuine, but expired or meant for another audience.
        """
        if len(token) > MAX_BYTES:
            raise InvalidToken(Reason.OVERSIZE)
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        now = int(self._clock().timestamp())
        self._learn(self._keys())
        known = self._cache.get(digest)
        if known is not None and known.issued_at - FUTURE_SECONDS <= now < known.expires_at:
            self._cache.move_to_end(digest)
            return known
        self._cache.pop(digest, None)
        verified = self._verify_in_full(token, now)
        self._cache[digest] = verified
        if len(self._cache) > self._remembered:
            self._cache.popitem(last=False)
        return verified

    def _verify_in_full(self, token: str, now: int) -> VerifiedToken:
        compact = read_compact(token)
        self._verify_signature(token, compact, now)
        claims = compact.claims
        client_id, professional_id = text(claims, "client_id"), _uuid(claims, "sub")
        try:
            return self._check_claims(claims, client_id, professional_id, now)
        except InvalidToken as refusal:
            # Signed by us, so these two really are who presents it, or whose token was taken.
            raise InvalidToken(refusal.reason, client_id=client_id, professional_id=professional_id) from None

    def _learn(self, keys: SigningKeys) -> None:
        """Go by these keys. What was accepted under others is forgotten: one of them may have become known."""
        if keys is not self._learned:
            self._learned = keys
            self._imported = {key.kid: jwk.construct(key.public(), ALGORITHM) for key in keys.keys}
            self._cache.clear()

    def _key(self, kid: str, now: int) -> Any:
        if self._learned.accepted(kid, now) is None:
            # Another worker may sign with a key that was put into the file this very second.
            self._learn(self._keys(again=True))
            if self._learned.accepted(kid, now) is None:
                raise InvalidToken(Reason.KEY)
        return self._imported[kid]

    def _verify_signature(self, token: str, compact: Compact, now: int) -> None:
        header = compact.header
        if frozenset(header) != _HEADER or header["typ"] != "at+jwt":
            raise InvalidToken(Reason.HEADER)
        if header["alg"] != ALGORITHM:
            raise InvalidToken(Reason.ALGORITHM)
        key = self._key(text(header, "kid", Reason.KEY), now)
        try:
            jws.verify(token, key, algorithms=[ALGORITHM])
        except JOSEError:
            raise InvalidToken(Reason.SIGNATURE) from None

    def _check_claims(
        self, claims: Mapping[str, Any], client_id: str, professional_id: UUID, now: int
    ) -> VerifiedToken:
        if claims.get("iss") != self._issuer:
            raise InvalidToken(Reason.ISSUER)
        if claims.get("aud") != self._audience:
            raise InvalidToken(Reason.AUDIENCE)
        issued_at, expires_at = check_times(claims, now, LIFETIME_SECONDS)
        scope = frozenset(text(claims, "scope", Reason.SCOPE).split(" "))
        if not scope <= SCOPES:
            raise InvalidToken(Reason.SCOPE)
        if claims.get("act") != {"sub": client_id}:
            raise InvalidToken(Reason.CLAIMS)
        authenticated_at = claims.get("auth_time")
        if authenticated_at is not None and type(authenticated_at) is not int:
            raise InvalidToken(Reason.TIMES)
        return VerifiedToken(
            client_id=client_id,
            organisation_id=_uuid(claims, "org"),
            professional_id=professional_id,
            scope=scope,
            binding=Binding.of(claims),
            jti=text(claims, "jti"),
            issued_at=issued_at,
            expires_at=expires_at,
            assurance=_assurance(claims),
            authenticated_at=authenticated_at,
        )


def _assurance(claims: Mapping[str, Any]) -> Assurance:
    if "acr" not in claims:
        return Assurance.STATED
    try:
        return _ASSURANCES[text(claims, "acr")]
    except KeyError:
        raise InvalidToken(Reason.CLAIMS) from None


def _uuid(claims: Mapping[str, Any], name: str) -> UUID:
    value = text(claims, name)
    try:
        identifier = UUID(value)
    except ValueError:
        raise InvalidToken(Reason.CLAIMS) from None
    if str(identifier) != value:  # UUID() also takes braces, URNs and capitals
        raise InvalidToken(Reason.CLAIMS)
    return identifier
