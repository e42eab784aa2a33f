"""Who called, behind a proxy: as the proxy says where it is one of ours, and never as a caller says."""

from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from registry_api.cli.service import server_config
from registry_api.kernel.settings import Settings

CALLER, PROXY, ELSEWHERE = "192.0.2.7", "10.0.0.1", "198.51.100.9"


@pytest.mark.parametrize(
    ("trusted", "peer", "believed"),
    [
        ("", PROXY, PROXY),
        (PROXY, PROXY, CALLER),
        ("10.0.0.0/24", PROXY, CALLER),
        (PROXY, ELSEWHERE, ELSEWHERE),
    ],
)
async def test_the_callers_address_is_taken_from_a_trusted_proxy_alone(trusted: str, peer: str, believed: str) -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"][0])

    config = server_config(Settings(trusted_proxies=trusted), 1)
    config.app, config.factory = app, False
    config.load()
    headers = [(b"x-forwarded-for", CALLER.encode())]
    connection: Any = ({"type": "http", "client": (peer, 4711), "headers": headers, "scheme": "http"}, None, None)
    await config.loaded_app(*connection)
    assert seen == [believed]
