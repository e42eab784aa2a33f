"""The two tokens that a provider signs for us: who signed in (OpenID Connect Core section 3.1.3.7), and who is out.

Verified by our own configuration and by nothing that the token or discovery says: issuer, audience, algorithms, nonce
and the age of the authentication. Pure: keys and time are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from auth.algorithms import PublicKey
from auth.compact import FUTURE_SECONDS, Compact, check_times, text
from auth.errors import InvalidToken, Reason
from auth.provider_tokens import LONGEST_SECONDS, check_is_id_token, signed_claims, signed_in_at
from auth.staff.configuration import SignInProvider
from policies.enquirer import Assurance

_LONGEST_LOGOUT_SECONDS = 600
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


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


def verify_id_token(
    compact: Compact, algorithm: str, key: PublicKey, provider: SignInProvider, awaited: Awaited, now: datetime
) -> SignedIn:
    """Verify an ID token that answers one request of ours.

    Raises:
        InvalidToken: HEADER, KEY, SIGNATURE, ISSUER, AUDIENCE, TIMES, LIFETIME, FUTURE, EXPIRED, NONCE_WRONG, CLAIMS,
            AUTHENTICATION_OLD (it is not known to be recent enough) or ASSURANCE (no level that is known).
    """
    check_is_id_token(compact)
    claims = _verified(compact, algorithm, key, provider)
    issued, _ = check_times(claims, int(now.timestamp()), LONGEST_SECONDS)
    if issued < awaited.not_before.timestamp() - FUTURE_SECONDS:
        raise InvalidToken(Reason.EXPIRED)
    if not compare_digest(text(claims, "nonce", Reason.NONCE_WRONG).encode(), awaited.nonce.encode()):
        raise InvalidToken(Reason.NONCE_WRONG)
    signed_in = signed_in_at(claims, awaited.authenticated_since, now)
    assurance = provider.assurance.of(claims)
    if assurance is None:
        raise InvalidToken(Reason.ASSURANCE)
    return SignedIn(
        subject=text(claims, "sub"),
        staff=text(claims, provider.staff_claim),
        sid=text(claims, "sid") if "sid" in claims else None,
        assurance=assurance,
        says_how=provider.assurance.claim in claims,
        authenticated_at=signed_in or datetime.fromtimestamp(issued, UTC),
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
    claims = signed_claims(compact, algorithm, key, provider)
    # For us alone: a token that is for another as well could have been obtained by that other.
    if claims.get("aud") not in (provider.client_id, [provider.client_id]):
        raise InvalidToken(Reason.AUDIENCE)
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise InvalidToken(Reason.AUDIENCE)
    return claims
