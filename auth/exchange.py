"""Whom an organisation's own sign-in service names: its ID tokens, verified for the exchange (RFC 8693).

The organisation of the client that asks decides which provider is believed, and which of the provider's relying parties
the token must be for; nothing in the token does. A token may be exchanged again while it is fresh (docs/adr/0011): it
is worth nothing to whoever is not that organisation's system.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth.algorithms import PublicKey
from auth.compact import Compact, check_times, text
from auth.errors import InvalidToken, Reason
from auth.protocols import Clock, RegisteredClient, RegisteredProfessional
from auth.provider_keys import FollowedKeys, followed
from auth.provider_tokens import LONGEST_SECONDS, check_is_id_token, read_token, signed_claims, signed_in_at
from auth.providers import IdentityInvalid, Provider
from policies.enquirer import Assurance

# An access token or a logout token that does not say in its header that it is one.
_OF_OTHER_TOKENS = frozenset({"scope", "scp", "events"})


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom a provider names, and how surely.

    ``subject`` is the organisation's own identifier of them, as enrolled; ``authenticated_at`` is when they signed in,
    where that is said.
    """

    provider: Provider
    claims: Mapping[str, Any]
    subject: str
    assurance: Assurance
    authenticated_at: datetime | None

    def check_role(self, professional: RegisteredProfessional) -> None:
        """Check that they are what they are enrolled as. Raises InvalidToken: ROLE."""
        if self.provider.roles is None:
            return
        if professional.role is None or not self.provider.allows_role(self.claims, professional.role):
            raise InvalidToken(Reason.ROLE)


class Exchange:
    """The providers of other organisations, with their keys, for one process.

    Args:
        providers: by the code of the organisation whose professionals they name.
        clock: the time, aware and in UTC.

    Raises:
        IdentityInvalid: a file of keys or certificates holds none.
    """

    def __init__(self, providers: Mapping[str, Provider], clock: Clock) -> None:
        self.providers = providers
        self._clock = clock
        self._keys: dict[Provider, FollowedKeys] = {}
        self._open = AsyncExitStack()
        for provider in dict.fromkeys(providers.values()):  # one provider may serve many organisations
            try:
                self._keys[provider], source = followed(provider.keys, clock)
            except IdentityInvalid as error:
                raise IdentityInvalid(f"provider {provider.name!r}: {error.path}", error.reason) from None
            self._open.push_async_callback(source.close)

    async def close(self) -> None:
        """Close the connections."""
        await self._open.aclose()

    def provider_of(self, client: RegisteredClient) -> Provider | None:
        """Return the provider that names the professionals of a client's organisation."""
        return self.providers.get(client.organisation_code)

    async def vouched(self, client: RegisteredClient, provider: Provider, id_token: str) -> Vouched:
        """Return whom an ID token names.

        Args:
            client: of the organisation that has ``provider``, authenticated.
            provider: as ``provider_of`` returns it.
            id_token: as it came.

        Raises:
            InvalidToken: what ``read_compact`` and ``verify_id_token`` raise, ALGORITHM or KEY.
            ProviderUnavailable: the provider's keys cannot be had.
        """
        compact, kid, algorithm = read_token(id_token, provider)
        key = await self._keys[provider].key(kid, algorithm)
        parties = provider.relying_parties[client.organisation_code]
        return verify_id_token(compact, algorithm, key, provider, parties, self._clock())


def verify_id_token(
    compact: Compact, algorithm: str, key: PublicKey, provider: Provider, parties: frozenset[str], now: datetime
) -> Vouched:
    """Verify an ID token that was issued to one of an organisation's systems (OpenID Connect Core section 3.1.3.7).

    Its ``nonce`` is between that system and the provider.

    Args:
        compact: the token, taken apart.
        algorithm: of those that are configured for the provider.
        key: of the provider.
        provider: which the organisation is known to have.
        parties: what the provider calls the organisation's systems.
        now: aware, UTC.

    Raises:
        InvalidToken: HEADER, KEY, SIGNATURE, ISSUER, AUDIENCE, CLAIMS, TIMES, LIFETIME, FUTURE, EXPIRED, ID_TOKEN_OLD,
            AUTHENTICATION_OLD or ASSURANCE.
    """
    check_is_id_token(compact)
    claims = signed_claims(compact, algorithm, key, provider)
    _check_audience(claims, parties)
    if not _OF_OTHER_TOKENS.isdisjoint(claims):
        raise InvalidToken(Reason.CLAIMS)
    issued, _ = check_times(claims, int(now.timestamp()), LONGEST_SECONDS)
    if now.timestamp() >= issued + provider.token_age.total_seconds():
        raise InvalidToken(Reason.ID_TOKEN_OLD)
    since = now - provider.sign_in_age if provider.sign_in_age is not None else None
    authenticated_at = signed_in_at(claims, since, now)
    text(claims, "sub")
    subject = text(claims, provider.subject_claim)
    assurance = provider.assurance_of(claims)
    if assurance is None:
        raise InvalidToken(Reason.ASSURANCE)
    return Vouched(provider, claims, subject, assurance, authenticated_at)


def _check_audience(claims: Mapping[str, Any], parties: frozenset[str]) -> None:
    audience = claims.get("aud")
    # For one party alone: a token that is for another as well could have been obtained by that other.
    named = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
    for party in (named, claims.get("azp", named)):
        if not isinstance(party, str) or party not in parties:
            raise InvalidToken(Reason.AUDIENCE)
