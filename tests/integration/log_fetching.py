"""The verifier that stands alone, reading over HTTP from an application that runs in the loop of a test."""

import asyncio

import pytest
from builders import BASE_URL, World

from registry_api.access_log import verify


async def verified_over_http(world: World, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> int:
    """Run the verifier, in a thread of its own; return its exit code."""
    loop = asyncio.get_running_loop()

    class Answer:
        """What the verifier reads."""

        def __init__(self, url: str, **_: object) -> None:
            path = url.removeprefix(BASE_URL)
            got = asyncio.run_coroutine_threadsafe(world.http.get(path), loop).result(60)
            assert got.status_code == 200, path
            self.read = lambda: got.content

        def __enter__(self) -> "Answer":
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing is open."""

    with monkeypatch.context() as patched:
        patched.setattr(verify.urllib.request, "urlopen", Answer)
        return await asyncio.to_thread(verify.main, arguments)
