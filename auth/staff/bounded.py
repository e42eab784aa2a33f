"""A transport of httpx2 that reads no more of an answer than it should."""

from collections.abc import AsyncIterator

import httpx2

MAX_ANSWER_BYTES = 256 * 1024


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
