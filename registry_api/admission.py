"""Who has failed too often to show who is asking is not looked at again that minute – but nobody else for their sake.

Past ``failed_authentications_per_minute_address`` failures a request from that network address is answered with 429
before anything of it is verified. It is let through all the same where it names a client that has shown itself from
there lately, and the credential that it shows has not failed so often itself: behind the one address of a police
force a broken device is shut out, and the officer beside it is not (docs/adr/0013). Where the count cannot be kept,
the answer is 503. What fails is read off the answer, so that a route that is added counts too.
"""

from collections.abc import Collection

import structlog
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth.claimed import TOKEN_PATH, claimed_by
from policies.enquirer import Enquirer
from registry_api import problems
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.limits import Limits, network_of

MINUTE = 60
STANDING_SECONDS = (24 * 60 * 60, 100_003)
"""How long a client is known at an address, at most: until the ends of two windows, one of them a day (UTC). They do
not end together, so that at no moment nobody is known."""
FORGIVEN = 20
"""So many times the amount may fail under the name of a client that is known at the address."""

_log = structlog.get_logger()


class Admission:
    """ASGI middleware: counts failures by network address, and refuses what comes from where too much has failed."""

    def __init__(self, app: ASGIApp, *, limits: Limits, free_paths: Collection[str] = frozenset()) -> None:
        """Guard ``app``, counting with ``limits``; ``free_paths`` are exact paths that authenticate nobody."""
        self._app = app
        self._limits = limits
        self._free = frozenset(free_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["path"] in self._free:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        body = b""
        if scope["path"].startswith(TOKEN_PATH):  # who asks for a token stands in the body alone
            body, receive = await _read(receive)
        seen = _Seen(self._limits, request, body)
        try:
            seconds = seen.shut_for()
        except StoreUnavailable:
            await _unavailable(request)(scope, receive, send)
            return
        if seconds:
            refused = problems.document(request, problems.TOO_MANY, headers={"Retry-After": str(seconds)})
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, seen.counted(scope, receive, send))


class _Seen:
    """One request as it is counted."""

    def __init__(self, limits: Limits, request: Request, body: bytes) -> None:
        self._limits = limits
        self._storage = limits.storage
        self._amount = limits.failures
        self._request = request
        self._body = body
        client = request.client
        self._address = network_of(client.host if client else "").encode()

    def shut_for(self) -> int:
        """Return for how many seconds nothing of the kind is looked at; 0: it is. Raises StoreUnavailable."""
        everybody = self._key("failures")
        if (self._storage.watch(everybody, MINUTE) or 0) < self._amount:
            return 0
        claimed = claimed_by(self._request, self._body)
        left = self._storage.seconds_left(everybody)
        if claimed.client is None or self._is_used_up(claimed.client, claimed.credential):
            return left
        known = [self._storage.watch(*window) for window in self._known(claimed.client)]
        if any(known):
            return 0
        return 1 if None in known else left  # another worker may know them: this one will have learnt of it by then

    def counted(self, scope: Scope, receive: Receive, send: Send) -> Send:
        """Return a ``send`` that counts by the answer, before it goes out; 503 in its place if it cannot be counted."""
        given_up = False

        async def counting(message: Message) -> None:
            nonlocal given_up
            if message["type"] == "http.response.start":
                try:
                    self._count(message)
                except StoreUnavailable:
                    given_up = True
                    await _unavailable(self._request)(scope, receive, send)
            if not given_up:
                await send(message)

        return counting

    def _count(self, answer: Message) -> None:
        state = self._request.scope.get("state", {})
        if state.get("authentication_failed", _is_failure(answer)):
            claimed = claimed_by(self._request, self._body)
            if self._storage.incr(self._key("failures"), MINUTE) == self._amount:
                _log.warning("authentication_shut")
            if claimed.client is not None:
                self._storage.incr(self._key("client failures", claimed.client.encode()), MINUTE)
            if claimed.credential is not None:
                self._storage.incr(self._key("credential failures", claimed.credential), MINUTE)
        elif (client := self._shown(state.get("enquirer"), answer["status"])) is not None:
            for window in self._known(client):
                if not self._storage.watch(*window):
                    self._storage.incr(*window)

    def _known(self, client: str) -> list[tuple[str, int]]:
        """Return the key and the length of each window in which a client is known here."""
        return [(self._key("known", f"{seconds} {client}".encode()), seconds) for seconds in STANDING_SECONDS]

    def _shown(self, enquirer: object, status: int) -> str | None:
        """Return the client that has shown itself, if one has."""
        if isinstance(enquirer, Enquirer):
            return enquirer.client_id
        if self._body and status == 200:
            return claimed_by(self._request, self._body).client
        return None

    def _is_used_up(self, client: str, credential: bytes | None) -> bool:
        of_client = self._count_of("client failures", client.encode())
        of_credential = self._count_of("credential failures", credential) if credential is not None else 0
        return of_credential >= self._amount or of_client >= FORGIVEN * self._amount

    def _count_of(self, what: str, whose: bytes) -> int:
        return self._storage.watch(self._key(what, whose), MINUTE) or 0

    def _key(self, what: str, whose: bytes = b"") -> str:
        # The address has no NUL in it, so that no address and name together are another's.
        return self._limits.key("address", b"\0".join((what.encode(), self._address, whose)))


def _is_failure(answer: Message) -> bool:
    """Return whether an answer by itself says that who is asking was not shown."""
    if answer["status"] != 401:
        return False
    challenges = (value for name, value in answer.get("headers", ()) if name.lower() == b"www-authenticate")
    return not any(b"use_dpop_nonce" in value for value in challenges)


def _unavailable(request: Request) -> Response:
    return problems.document(request, problems.UNAVAILABLE, headers={"Retry-After": "1"})


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """Return the body, which has been read within its bounds already, and a ``receive`` that gives it again."""
    parts: list[Message] = []
    while True:
        parts.append(await receive())
        if parts[-1]["type"] != "http.request" or not parts[-1].get("more_body"):
            break
    again = iter(parts)

    async def replay() -> Message:
        for message in again:
            return message
        return await receive()

    return b"".join(part.get("body", b"") for part in parts), replay
