"""The public keys of a provider as they are at the moment, wherever they come from: an address or a file.

Promises: a new key is followed and a withdrawn one forgotten; keys come from the configured place alone, without
redirects; whoever shows made-up key names cannot make us ask for keys again and again; and a provider that is down for
a while stops nobody whose key is known, but for an hour at most.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from anyio import to_thread

from auth.algorithms import PublicKey
from auth.errors import InvalidToken, ProviderUnavailable, Reason
from auth.outside import MAX_ANSWER_BYTES, BoundedTransport, answered_in_time, over_the_network
from auth.protocols import Clock
from auth.provider_tokens import choose_key
from auth.providers import IdentityInvalid, KeySource

log = logging.getLogger(__name__)

KEPT = timedelta(minutes=15)
"""How long keys are used before they are asked for again."""
PAUSE = timedelta(seconds=30)
"""Between two times of asking, whatever the reason and whatever came of it."""
GRACE = timedelta(hours=1)
"""How long keys are used when no others can be had."""
_SECONDS = 4.0

Jwks = Mapping[str, Any]
Fetch = Callable[[], Awaitable[Jwks]]
"""Gets a JWK set within seconds, for others wait for it. Raises ProviderUnavailable."""


def jwk_set(document: object) -> Jwks:
    """Return a document that is a JWK set (RFC 7517 section 5). Raises ProviderUnavailable."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ProviderUnavailable
    return document


class FollowedKeys:
    """The keys of one provider, for one process.

    Args:
        fetch: gets them.
        clock: the time, aware and in UTC.
        kept: how long they are used before they are asked for again.
        pause: between two times of asking.
    """

    def __init__(self, fetch: Fetch, clock: Clock, *, kept: timedelta = KEPT, pause: timedelta = PAUSE) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept, self._pause = kept, pause
        self._fetching = asyncio.Lock()
        self._jwks: Jwks = {}
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._failed = False

    async def key(self, kid: str, algorithm: str) -> PublicKey:
        """Return the key of that ``kid`` that serves for the algorithm.

        Raises:
            InvalidToken: KEY: the provider has none, as of the last time that it was asked.
            ProviderUnavailable: that cannot be told.
        """
        found = self._find(kid, algorithm)
        # A key that is known need not wait for what somebody else is asking at this moment; one that is not has to.
        if found is None or not self._fetching.locked():
            async with self._fetching:
                found = self._find(kid, algorithm)
                if self._is_due(found):
                    await self._ask()
                    found = self._find(kid, algorithm)
        if found is not None:
            return found
        if self._failed:
            raise ProviderUnavailable
        raise InvalidToken(Reason.KEY)

    def _find(self, kid: str, algorithm: str) -> PublicKey | None:
        if self._fetched_at is None or self._clock() >= self._fetched_at + GRACE:
            return None
        return choose_key(self._jwks, kid, algorithm)

    def _is_due(self, found: PublicKey | None) -> bool:
        now = self._clock()
        if self._asked_at is not None and now < self._asked_at + self._pause:
            return False
        return found is None or self._fetched_at is None or now >= self._fetched_at + self._kept

    async def _ask(self) -> None:
        """Ask the provider. What comes of it is told by the attributes."""
        self._asked_at = self._clock()
        self._failed = True  # until it is known better, also where this request ends halfway
        try:
            self._jwks = await self._fetch()
        except ProviderUnavailable:
            log.error("a provider's keys could not be had")
        else:
            self._fetched_at, self._failed = self._asked_at, False


class KeyAddress:
    """Keys that are fetched from one address, and from nowhere else.

    Args:
        source: where.
        transport: how it is reached; over the network where none is given.

    Raises:
        IdentityInvalid: ``ca_file`` holds no certificates.
    """

    def __init__(self, source: KeySource, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._address = str(source.address)
        self._http = httpx2.AsyncClient(
            transport=BoundedTransport(transport or over_the_network(source.ca_file, source.proxy)),
            timeout=_SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

    async def fetch(self) -> Jwks:
        """Return what is there. Raises ProviderUnavailable."""
        async with answered_in_time():
            answer = await self._http.get(self._address, headers={"Accept": "application/json"})
            document = answer.json() if answer.status_code == 200 else None
        return jwk_set(document)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class KeyFile:
    """Keys in a file, which is read again when it has changed.

    Raises:
        IdentityInvalid: it holds no JWK set now; later on that is ProviderUnavailable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] | None = None
        self._jwks: Jwks = {}
        try:
            self._read()
        except ProviderUnavailable:
            raise IdentityInvalid("jwks_file", "the file holds no JWK set") from None

    async def fetch(self) -> Jwks:
        """Return what it holds. Raises ProviderUnavailable."""
        return await to_thread.run_sync(self._read)

    async def close(self) -> None:
        """Do nothing: nothing is kept open."""

    def _read(self) -> Jwks:
        try:
            now = self._path.stat()
            seen = (now.st_mtime_ns, now.st_size, now.st_ino)
            if seen != self._seen:
                with self._path.open("rb") as file:
                    content = file.read(MAX_ANSWER_BYTES + 1)
                if len(content) > MAX_ANSWER_BYTES:
                    raise ProviderUnavailable
                self._jwks, self._seen = jwk_set(json.loads(content)), seen
        except (OSError, ValueError, RecursionError):
            raise ProviderUnavailable from None
        return self._jwks


def followed(source: KeySource, clock: Clock) -> tuple[FollowedKeys, KeyAddress | KeyFile]:
    """Return the keys of a source and what gets them, which is for the caller to close. Raises IdentityInvalid."""
    if isinstance(source.address, Path):
        file = KeyFile(source.address)
        return FollowedKeys(file.fetch, clock, kept=timedelta(0), pause=timedelta(0)), file
    address = KeyAddress(source)
    return FollowedKeys(address.fetch, clock), address
