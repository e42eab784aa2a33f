"""The two tokens that a provider signs for us: who signed in (OpenID Connect Core section 3.1.3.7), and who is out.

Verified by our own configuration and by nothing that the token or discovery says: issuer, audience, algorithms, nonce
and the age of the authentication. Pure: keys and time are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from auth.algorithms import KEY_TYPES, SMALLEST_RSA_MODULUS, VERIFIED_AS, PublicKey
from auth.compact import FUTURE_SECONDS, Compact, check_times, read_compact, text
from auth.errors import InvalidToken, Reason
from auth.staff.configuration import SignInProvider
from policies.enquirer import Assurance

MAX_BYTES = 16 * 1024
"""Some providers put every group of a person into the token."""
_LONGEST_SECONDS = 86_400
_LONGEST_LOGOUT_SECONDS = 600
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_VERIFIED_AS = {**VERIFIED_AS, "RS256": "RS256"}
_KEY_TYPES = {**KEY_TYPES, "RS256": RSAKey}
_ALGORITHMS = JWSRegistry(algorithms=frozenset(_VERIFIED_AS.values()))


@dataclass(frozen=True, slots=True)
class Awaited:
    """What the ID token of one sign-in must say.

    ``not_before`` is when it was asked for; ``authenticated_since`` the earliest acceptable time of the authentication,
    None where any will do.
    """

    nonce: str
    not_before: datetime
    authenticated_since: datetime | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has signed in, as the provider has it.

    ``staff`` is what the authority calls them. ``says_how``: the level is what the token says and no presumption.
    """

    subject: str
    staff: str
    sid: str | None
    assurance: Assurance
    says_how: bool
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Who is signed out: the provider's session ``sid``, all of ``subject``, or that session of that subject."""

    jti: str
    expires_at: datetime
    subject: str | None
    sid: str | None


def read_token(token: str, provider: SignInProvider) -> tuple[Compact, str, str]:
    """Take a token of the provider apart, and return it with the ``kid`` of its key and its algorithm.

    Raises:
        InvalidToken: of ``read_compact``, ALGORITHM (none that we configured) or KEY (none named).
    """
    compact = read_compact(token, longest=MAX_BYTES)
    named = compact.header.get("alg")
    if not isinstance(named, str) or named not in provider.algorithms or named not in _VERIFIED_AS:
        raise InvalidToken(Reason.ALGORITHM)
    return compact, text(compact.header, "kid", Reason.KEY), named


def choose_key(jwks: Mapping[str, Any], kid: str, algorithm: str) -> PublicKey | None:
    """Return the key of that ``kid`` that serves for the algorithm and for signatures, or None."""
    kind = _KEY_TYPES[algorithm]
    keys = jwks.get("keys")
    for jwk in keys if isinstance(keys, list) else ():
        if not isinstance(jwk, dict) or jwk.get("kid") != kid or jwk.get("kty") != kind.key_type:
            continue
        named = str(jwk.get("alg", algorithm))
        if jwk.get("use", "sig") != "sig" or _VERIFIED_AS.get(named) != _VERIFIED_AS[algorithm]:
            continue
        if kind is RSAKey and len(str(jwk.get("n"))) < SMALLEST_RSA_MODULUS:
            continue
        try:
            return kind.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk})
        except (JoseError, ValueError, TypeError):
            continue
    return None


def verify_id_token(
    compact: Compact, algorithm: str, key: PublicKey, provider: SignInProvider, awaited: Awaited, now: datetime
) -> SignedIn:
    """Verify an ID token that answers one request of ours.

    Raises:
        InvalidToken: HEADER, KEY, SIGNATURE, ISSUER, AUDIENCE, TIMES, LIFETIME, FUTURE, EXPIRED, NONCE_WRONG, CLAIMS,
            AUTHENTICATION_OLD (it is not known to be recent enough) or ASSURANCE (no level that is known).
    """
    if compact.header.get("typ", "JWT") not in ("JWT", "jwt"):
        raise InvalidToken(Reason.HEADER)
    claims = _verified(compact, algorithm, key, provider)
    issued, _ = check_times(claims, int(now.timestamp()), _LONGEST_SECONDS)
    if issued < awaited.not_before.timestamp() - FUTURE_SECONDS:
        raise InvalidToken(Reason.EXPIRED)
    if not compare_digest(text(claims, "nonce", Reason.NONCE_WRONG).encode(), awaited.nonce.encode()):
        raise InvalidToken(Reason.NONCE_WRONG)
    assurance = provider.assurance.of(claims)
    if assurance is None:
        raise InvalidToken(Reason.ASSURANCE)
    return SignedIn(
        subject=text(claims, "sub"),
        staff=text(claims, provider.staff_claim),
        sid=text(claims, "sid") if "sid" in claims else None,
        assurance=assurance,
        says_how=provider.assurance.claim in claims,
        authenticated_at=_authenticated_at(claims, issued, awaited.authenticated_since, now),
    )


def verify_logout_token(
    compact: Compact, algorithm: str, key: PublicKey, provider: SignInProvider, now: datetime
) -> SignedOut:
    """Verify a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6).

    Raises:
        InvalidToken: HEADER, KEY, SIGNATURE, ISSUER, AUDIENCE, TIMES, LIFETIME, FUTURE, EXPIRED or CLAIMS.
    """
    typ = compact.header.get("typ")
    if typ != "logout+jwt" and not (provider.untyped_logout and typ in (None, "JWT")):
        raise InvalidToken(Reason.HEADER)
    claims = _verified(compact, algorithm, key, provider)
    _, expires = check_times(claims, int(now.timestamp()), _LONGEST_LOGOUT_SECONDS)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict) or "nonce" in claims:
        raise InvalidToken(Reason.CLAIMS)
    if "sub" not in claims and "sid" not in claims:
        raise InvalidToken(Reason.CLAIMS)
    return SignedOut(
        jti=text(claims, "jti"),
        expires_at=datetime.fromtimestamp(expires, UTC),
        subject=text(claims, "sub") if "sub" in claims else None,
        sid=text(claims, "sid") if "sid" in claims else None,
    )


def _verified(compact: Compact, algorithm: str, key: PublicKey, provider: SignInProvider) -> Mapping[str, Any]:
    """Return the claims once signature, issuer and audience are right."""
    verifier = _ALGORITHMS.get_alg(_VERIFIED_AS[algorithm])
    try:
        verifier.check_key(key)
        good = verifier.verify(compact.signing_input, compact.signature, key)
    except (JoseError, ValueError):
        raise InvalidToken(Reason.KEY) from None
    if not good:
        raise InvalidToken(Reason.SIGNATURE)
    claims = compact.claims
    if claims.get("iss") != provider.issuer:
        raise InvalidToken(Reason.ISSUER)
    # For us alone: a token that is for another as well could have been obtained by that other.
    if claims.get("aud") not in (provider.client_id, [provider.client_id]):
        raise InvalidToken(Reason.AUDIENCE)
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise InvalidToken(Reason.AUDIENCE)
    return claims


def _authenticated_at(claims: Mapping[str, Any], issued: int, since: datetime | None, now: datetime) -> datetime:
    at = claims.get("auth_time", None if since else issued)
    if type(at) is not int or not 0 < at <= now.timestamp() + FUTURE_SECONDS:
        raise InvalidToken(Reason.AUTHENTICATION_OLD if at is None else Reason.TIMES)
    # Our clock and the provider's need not agree to the second.
    if since and at < since.timestamp() - FUTURE_SECONDS:
        raise InvalidToken(Reason.AUTHENTICATION_OLD)
    return datetime.fromtimestamp(at, UTC)
