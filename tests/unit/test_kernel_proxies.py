"""Who called, and with which certificate: as the proxy says where it is one of ours, and never as a caller says."""

from typing import Any

import pytest
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from registry_api.cli.service import server_config
from registry_api.kernel.proxies import Proxies
from registry_api.kernel.settings import Settings

CALLER, PROXY, ELSEWHERE = "192.0.2.7", "10.0.0.1", "198.51.100.9"
HEADER = "client-cert"


async def passed_on(trusted: str, peer: Any, headers: list[tuple[bytes, bytes]], header: str = HEADER) -> Scope:
    """What the application sees of a request."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    connection: Any = ({"type": "http", "client": peer, "headers": headers, "scheme": "http"}, None, None)
    await Proxies(app, trusted=Settings(trusted_proxies=trusted).trusted_proxies, certificate_header=header)(
        *connection
    )
    return seen[0]


@pytest.mark.parametrize(
    ("trusted", "peer", "believed"),
    [
        ("", PROXY, PROXY),
        (PROXY, PROXY, CALLER),
        ("10.0.0.0/24", PROXY, CALLER),
        (PROXY, ELSEWHERE, ELSEWHERE),
        ("fd00::/64", "fd00::1", CALLER),
    ],
)
async def test_the_callers_address_is_taken_from_a_trusted_proxy_alone(trusted: str, peer: str, believed: str) -> None:
    scope = await passed_on(trusted, (peer, 4711), [(b"x-forwarded-for", CALLER.encode())])
    assert scope["client"][0] == believed


async def test_a_caller_who_says_whose_they_are_is_not_believed_by_way_of_the_proxy() -> None:
    # The proxy adds whom it sees: what stands before that the caller has written.
    scope = await passed_on(PROXY, (PROXY, 4711), [(b"x-forwarded-for", f"{ELSEWHERE}, {CALLER}".encode())])
    assert scope["client"][0] == CALLER


CERTIFICATE = [(b"client-cert", b":AAAA:"), (b"Client-Cert", b":BBBB:"), (b"accept", b"*/*")]


@pytest.mark.parametrize(
    "peer",
    [
        pytest.param((ELSEWHERE, 4711), id="a stranger"),
        pytest.param(("10.0.0.2", 4711), id="a neighbour of the proxy"),
        pytest.param(("testclient", 4711), id="no address"),
        pytest.param(("::ffff:198.51.100.9", 4711), id="a stranger by IPv6"),
        pytest.param(None, id="a socket in the file system"),
    ],
)
@pytest.mark.parametrize("forwarded", [None, PROXY, f"{PROXY}, {PROXY}"])
async def test_a_certificate_is_taken_from_a_trusted_proxy_alone(peer: Any, forwarded: str | None) -> None:
    headers = [*CERTIFICATE, *([(b"x-forwarded-for", forwarded.encode())] if forwarded else [])]
    scope = await passed_on(PROXY, peer, headers)
    assert [header for header in scope["headers"] if header[0].lower() == b"client-cert"] == []
    assert (b"accept", b"*/*") in scope["headers"]
    assert scope["client"] == peer


async def test_it_is_the_connection_that_is_judged_and_not_whom_the_proxy_names() -> None:
    headers = [*CERTIFICATE, (b"x-forwarded-for", ELSEWHERE.encode())]
    scope = await passed_on(PROXY, (PROXY, 4711), headers)
    assert scope["client"][0] == ELSEWHERE
    assert scope["headers"] == headers, "all of them: that there is more than one is refused later"


async def test_what_is_no_request_goes_straight_through() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    lifespan: Any = ({"type": "lifespan"}, None, None)
    await Proxies(app, trusted=PROXY, certificate_header=HEADER)(*lifespan)
    assert seen == [{"type": "lifespan"}]


async def test_the_server_rewrites_no_address_before_it_is_judged() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"])

    config = server_config(Settings(trusted_proxies=PROXY), 1)
    config.app, config.factory = app, False
    config.load()
    headers = [(b"x-forwarded-for", CALLER.encode())]
    connection: Any = ({"type": "http", "client": (PROXY, 4711), "headers": headers, "scheme": "http"}, None, None)
    await config.loaded_app(*connection)
    assert seen == [(PROXY, 4711)]


def test_no_certificate_is_believed_unless_a_proxy_and_its_header_are_named() -> None:
    assert Settings(trusted_proxies=PROXY).client_certificate_header == ""
    assert Settings(trusted_proxies=PROXY, client_certificate_header=HEADER).client_certificate_header == HEADER
    for proxies, header in (("", HEADER), (PROXY, "Client-Cert"), (PROXY, "dpop"), (PROXY, "x-forwarded-for")):
        with pytest.raises(ValidationError):
            Settings(trusted_proxies=proxies, client_certificate_header=header)
