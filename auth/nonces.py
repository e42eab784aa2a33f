"""The nonces of DPoP proofs (RFC 9449 sections 8 and 9): the server's own time, authenticated, and kept nowhere.

Every worker makes and accepts them with the same key. A nonce says when it was made: a proof with it cannot have been
made earlier. That bounds how long proofs can be prepared ahead, and lets a store of used proofs that has lost its
memory refuse exactly those which it may have seen before.
"""

import base64
import binascii
import hmac
from datetime import datetime, timedelta

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth.errors import InvalidToken, Reason
from auth.protocols import Clock

LIFETIME = timedelta(minutes=5)
_TIME_BYTES, _MAC_BYTES = 8, 16
_LENGTH = (_TIME_BYTES + _MAC_BYTES) * 4 // 3
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND = timedelta(microseconds=1)


class Nonces:
    """Makes and reads nonces.

    Args:
        key: 32 secret bytes, the same in every worker.
        clock: the time, aware and in UTC.
    """

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock
        self._not_before = _EPOCH

    def fresh(self) -> str:
        """Return a nonce of this moment."""
        now = self._clock()
        # Not where a clock was wrong when that moment was set, and was put right since.
        made = max(now, self._not_before) if self._not_before - now < LIFETIME else now
        time = ((made - _EPOCH) // _MICROSECOND).to_bytes(_TIME_BYTES, "big")
        return base64.urlsafe_b64encode(time + self._mac(time)).decode()

    def made_at(self, nonce: str) -> datetime:
        """Return when a nonce was made. Raises InvalidToken: NONCE, when it is not ours or too old."""
        if len(nonce) != _LENGTH:
            raise InvalidToken(Reason.NONCE)
        try:
            content = base64.urlsafe_b64decode(nonce)
        except (binascii.Error, ValueError):
            raise InvalidToken(Reason.NONCE) from None
        time, mac = content[:_TIME_BYTES], content[_TIME_BYTES:]
        if not hmac.compare_digest(mac, self._mac(time)):
            raise InvalidToken(Reason.NONCE)
        made = _EPOCH + int.from_bytes(time, "big") * _MICROSECOND
        # Either way: the clock of the worker that made it may run ahead of ours.
        if abs(self._clock() - made) > LIFETIME:
            raise InvalidToken(Reason.NONCE)
        return made

    def begin_at(self, moment: datetime) -> None:
        """Make no more nonces of before ``moment``: the store of used proofs remembers no further back."""
        self._not_before = moment

    def _mac(self, time: bytes) -> bytes:
        return hmac.digest(self._key, time, "sha256")[:_MAC_BYTES]


class NonceHeader:
    """Gives a fresh nonce with every answer to a request that came with a proof (RFC 9449 section 8.2)."""

    def __init__(self, app: ASGIApp, nonces: Nonces) -> None:
        self._app = app
        self._nonces = nonces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or all(name != b"dpop" for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return

        async def send_with_nonce(message: Message) -> None:
            if message["type"] == "http.response.start":
                nonce = (b"dpop-nonce", self._nonces.fresh().encode())
                message = {**message, "headers": [*message.get("headers", ()), nonce]}
            await send(message)

        await self._app(scope, receive, send_with_nonce)
