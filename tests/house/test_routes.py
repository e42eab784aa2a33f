"""Guards every route: authenticated, limited, governed by a policy, documented, and with nothing personal in its URL.

The lists are in routes.py, and closed.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from builders import World
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from auth.dependencies import current_enquirer, current_session
from policies import access
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.limits import limits_of
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings
from registry_api.main import create_app
from registry_api.problems import MEDIA_TYPE
from tests.house.routes import (
    DEVELOPMENT,
    EXAMPLES,
    GOVERNED,
    OPEN,
    ROUTES_TO_COME,
    SESSION,
    URL_PARAMETERS,
    WITH_AN_ENQUIRY,
    Key,
)

WITHOUT_POLICY = OPEN | SESSION | DEVELOPMENT


@pytest.fixture(scope="module")
def app_routes(tmp_path_factory: pytest.TempPathFactory) -> dict[Key, RouteContext]:
    """Every route of the application, by method and path."""
    settings = Settings(state_dir=tmp_path_factory.mktemp("routes"), environment="development")
    LocalKeys.load_or_create(settings.keys_file)
    app = create_app(settings, DatabaseUrls.one("postgresql+asyncpg://nobody@127.0.0.1:1/nothing"))
    return {
        (method, str(route.path).replace(":path}", "}")): route  # as the description writes it
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or {"ANY"}) - {"HEAD"}
    }


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The API description as it is served."""
    settings = Settings(state_dir=tmp_path_factory.mktemp("description"), environment="development")
    LocalKeys.load_or_create(settings.keys_file)
    return create_app(settings, DatabaseUrls.one("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")).openapi()


def _depends_on(dependant: Dependant, wanted: Callable[..., Any]) -> bool:
    return any(inner.call is wanted or _depends_on(inner, wanted) for inner in dependant.dependencies)


def test_every_route_is_on_one_of_the_lists(app_routes: dict[Key, RouteContext]) -> None:
    lists = (GOVERNED, OPEN, SESSION, DEVELOPMENT)
    assert sum(map(len, lists)) == len(set().union(*lists))
    assert app_routes.keys() == set().union(*lists)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("key", GOVERNED, ids=" ".join)
def test_the_route_takes_the_enquirer_and_is_limited_by_organisation_and_by_professional(
    app_routes: dict[Key, RouteContext], key: Key
) -> None:
    route = app_routes[key]
    assert isinstance(route.original_route, APIRoute)
    assert _depends_on(route.dependant, current_enquirer)
    assert route.endpoint is not None
    assert limits_of(route.endpoint) == {"organisation", "professional"}


@pytest.mark.parametrize("key", WITHOUT_POLICY, ids=" ".join)
def test_a_route_without_a_policy_is_limited_as_the_list_says(app_routes: dict[Key, RouteContext], key: Key) -> None:
    endpoint = app_routes[key].endpoint
    assert endpoint is not None
    assert limits_of(endpoint) == WITHOUT_POLICY[key]


@pytest.mark.parametrize("key", SESSION, ids=" ".join)
def test_a_route_about_ones_own_session_takes_the_session(app_routes: dict[Key, RouteContext], key: Key) -> None:
    assert _depends_on(app_routes[key].dependant, current_session)


@pytest.mark.parametrize("key", sorted((GOVERNED | WITHOUT_POLICY).keys() - {("GET", "/openapi.json")}), ids=" ".join)
def test_the_route_says_what_it_does(app_routes: dict[Key, RouteContext], key: Key) -> None:
    route = app_routes[key]
    assert route.summary
    assert route.tags
    assert route.endpoint is not None
    assert route.endpoint.__doc__


@pytest.mark.parametrize("key", GOVERNED, ids=" ".join)
def test_the_description_tells_how_the_route_can_fail(description: dict[str, Any], key: Key) -> None:
    method, path = key
    operation = description["paths"][path][method.lower()]
    assert operation["security"] == [{"token": []}, {"session": []}]
    faults = {int(status): said for status, said in operation["responses"].items() if int(status) >= 400}
    assert {400, 401, 403, 422, 429, 503} <= faults.keys()
    pages = any(parameter["name"] == "cursor" for parameter in operation.get("parameters", ()))
    of_a_child = "child_id" in (GOVERNED[key].body or {})  # who is named in the body
    assert (404 in faults) == ("{" in path or pages or of_a_child)
    assert ({409, 412, 428} <= faults.keys()) == bool(GOVERNED[key].headers)
    for said in faults.values():
        assert said["description"]
        assert list(said["content"]) == [MEDIA_TYPE]


def test_the_description_refers_to_nothing_that_is_not_in_it(description: dict[str, Any]) -> None:
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(description)))
    assert named == description["components"]["schemas"].keys()


def test_nothing_personal_can_stand_in_a_url(description: dict[str, Any]) -> None:
    found = {
        (parameter["in"], parameter["name"]): {
            name: value
            for name, value in parameter["schema"].items()
            if name not in {"title", "default", "description"}
        }
        for operations in description["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] != "header"
    }
    assert found == URL_PARAMETERS


def test_every_policy_governs_a_route() -> None:
    policies = {value for name, value in vars(access).items() if name.startswith("may_")}
    assert policies - ROUTES_TO_COME - WITH_AN_ENQUIRY == {governed.by for governed in GOVERNED.values()}


def _request(key: Key) -> dict[str, Any]:
    method, path = key
    governed = GOVERNED[key]
    return {
        "method": method,
        "url": re.sub(r"{(\w+)}", lambda name: EXAMPLES[name[1]], path),
        "json": governed.body,
        "headers": dict(governed.headers),
    }


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("key", GOVERNED, ids=" ".join)
async def test_without_a_token_it_is_401(world: World, key: Key) -> None:
    answer = await world.http.request(**_request(key))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["www-authenticate"].startswith("DPoP")


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("key", GOVERNED, ids=" ".join)
async def test_once_the_agreement_is_suspended_it_is_403_and_recorded(world: World, key: Key) -> None:
    governed, request = GOVERNED[key], _request(key)
    request["auth"] = world.auth(governed.asker, governed.scope)
    before = await world.http.request(**request)
    assert before.status_code not in {401, 403, 422, 500}, before.text

    async with world.database.connection() as connection:
        await connection.execute("UPDATE agreement SET suspended_at = now()")
    recorded = len(await world.log())
    refused = await world.http.request(**request)
    assert refused.status_code == 403
    assert refused.headers["content-type"] == MEDIA_TYPE
    assert refused.json()["because"] == access.RefusalReason.NO_AGREEMENT
    added = (await world.log())[recorded:]
    assert any(entry["reason"] == access.RefusalReason.NO_AGREEMENT for entry in added)


def test_the_examples_are_those_of_the_paths() -> None:
    named = {name for _, path in GOVERNED | SESSION | OPEN for name in re.findall(r"{(\w+)}", path)}
    assert named == EXAMPLES.keys()
