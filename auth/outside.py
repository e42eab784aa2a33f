"""How this service reaches a provider outside: over TLS, without redirects, and never for long or for much.

No proxy and no certificate that the environment names counts, only those of the identity file.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from auth.errors import ProviderUnavailable
from auth.providers import IdentityInvalid

MAX_ANSWER_BYTES = 256 * 1024
_ANSWERED = 5


def over_the_network(ca_file: Path | None, proxy: str | None) -> httpx2.AsyncHTTPTransport:
    """Return the way to a provider.

    Args:
        ca_file: replaces the certificates that the machine trusts.
        proxy: the way out, if there is but one.

    Raises:
        IdentityInvalid: the file holds no certificates.
    """
    try:
        trusted = ssl.create_default_context(cafile=ca_file)
    except OSError:  # of which SSLError is one
        raise IdentityInvalid("ca_file", "the file holds no certificates (PEM)") from None
    return httpx2.AsyncHTTPTransport(verify=trusted, proxy=proxy)


@asynccontextmanager
async def answered_in_time() -> AsyncIterator[None]:
    """Bound a call to a provider; whatever goes wrong on the way is ProviderUnavailable."""
    try:
        async with asyncio.timeout(_ANSWERED):
            yield
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, AttributeError, TimeoutError, RecursionError):
        raise ProviderUnavailable from None


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Passes requests on to ``inner``. An answer that is longer than 256 KiB, or packed, is a ReadError."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        request.headers["Accept-Encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if "content-encoding" in response.headers:  # a few bytes may unpack to any number of them
            await response.stream.aclose()
            raise httpx2.ReadError("a packed answer", request=request)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Bounded(response.stream, request),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the inner one."""
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._inner = inner
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._inner:
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                raise httpx2.ReadError("an answer without end", request=self._request)
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()
