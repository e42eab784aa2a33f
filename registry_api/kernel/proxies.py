"""What a reverse proxy says of the caller, believed of our own proxies and of nobody else.

Two things are in headers that anybody could send: the caller's address (``X-Forwarded-For``), and the certificate of
the caller's TLS connection. Both are judged by the address that the connection itself comes from, before any header is
read.
"""

from ipaddress import ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


class Proxies:
    """ASGI middleware. Put it outermost, and let the server rewrite no address before it.

    Args:
        app: the application. The address that it sees is the caller's, as the proxy says where it is one of ours.
        trusted: the networks of our proxies, separated by commas.
        certificate_header: the header in which they pass on a certificate, in lower case, dropped from anybody else;
            empty where they pass on none.
    """

    def __init__(self, app: ASGIApp, *, trusted: str, certificate_header: str) -> None:
        self._app = app
        self._behind_proxy = ProxyHeadersMiddleware(app, trusted_hosts=trusted)  # type: ignore[arg-type]
        self._networks = [ip_network(network) for network in trusted.split(",") if network]
        self._header = certificate_header.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection; anything but HTTP (the lifespan) goes straight through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._trusts(scope):
            await self._behind_proxy(scope, receive, send)  # type: ignore[arg-type]
        else:
            if self._header:
                scope["headers"] = [header for header in scope["headers"] if header[0].lower() != self._header]
            await self._app(scope, receive, send)

    def _trusts(self, scope: Scope) -> bool:
        if not scope.get("client"):  # a socket in the file system: whoever may write to it
            return False
        try:
            peer = ip_address(scope["client"][0])
        except ValueError:
            return False
        return any(peer in network for network in self._networks)
