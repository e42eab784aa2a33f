"""The endpoints of the authorization server in the API description: every status of their answers, and its shape."""

from typing import Any

import pytest
from builders import World

PROBLEM, ERROR = "application/problem+json", "application/json"
FORM = "application/x-www-form-urlencoded"
ENDPOINTS = {
    "/oauth2/token": {"grant_type", "client_assertion_type", "client_assertion", "scope"},
    "/oauth2/revoke": {"token", "client_assertion_type", "client_assertion"},
    "/oauth2/introspect": {"token", "client_assertion_type", "client_assertion"},
}


@pytest.fixture
def described(world: World) -> dict[str, Any]:
    paths: dict[str, Any] = world.app.openapi()["paths"]
    return paths


@pytest.mark.parametrize("path", ENDPOINTS)
def test_how_it_can_fail_is_described(described: dict[str, Any], path: str) -> None:
    operation = described[path]["post"]
    schema = operation["requestBody"]["content"][FORM]["schema"]
    for form in schema.get("oneOf", [schema]):
        assert set(form["required"]) >= ENDPOINTS[path]
    shapes = {status: set(said["content"]) for status, said in operation["responses"].items()}
    assert shapes.pop("403", None) == ({ERROR} if path == "/oauth2/introspect" else None)
    assert shapes == {
        "200": {ERROR},
        "400": {ERROR},
        "401": {ERROR},
        "408": {PROBLEM},
        "413": {ERROR, PROBLEM},
        "415": {ERROR},
        "429": {PROBLEM},
        "500": {PROBLEM},
        "503": {ERROR, PROBLEM},
    }


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("content", "kind", "status", "shape"),
    [
        (b"token=x", FORM, 400, ERROR),
        (b"token=" + b"x" * 30_000, FORM, 413, ERROR),
        (b"token=" + b"x" * 70_000, FORM, 413, PROBLEM),
        (b"{}", "application/json", 415, ERROR),
    ],
)
async def test_it_fails_as_it_is_described(
    world: World, described: dict[str, Any], path: str, content: bytes, kind: str, status: int, shape: str
) -> None:
    if path == "/oauth2/introspect" and status == 400:
        status = 401
    answer = await world.http.post(path, content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, shape)
    assert shape in described[path]["post"]["responses"][str(status)]["content"]
    assert answer.headers["cache-control"] == "no-store"
