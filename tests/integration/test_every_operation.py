"""Every operation of the API description, tried with what schemathesis makes of it: no 5xx, nothing undocumented.

The operations are those of the closed lists of routes, and all that the description has. Each is first called in order
by the one who may, then with many made-up calls: by whoever, with what fits the description and what does not.
``make fuzz`` makes many more of them, other ones each time.
"""

import asyncio
import os
from typing import Any

import pytest
from builders import World
from calling import ANYBODY, NOBODY, SYSTEM, Callers, asker_of, described
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.house.routes import ADDING, CHANGING, GOVERNED, OPEN, SESSION, Key

MANY = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""How many calls are made up of each operation; 0: a few, and the same in every run."""
NOT_DESCRIBED = {("GET", "/openapi.json"), ("GET", "/sign-in/callback"), ("POST", "/sign-in/back-channel")}
"""The description itself, and what lies between the sign-in provider and us."""
OPERATIONS = [key for key in GOVERNED | SESSION | OPEN if key not in NOT_DESCRIBED]

MADE_UP = settings(
    max_examples=MANY or 16,
    derandomize=not MANY,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink) if MANY else (Phase.generate,),
    suppress_health_check=list(HealthCheck),
    print_blob=bool(MANY),
)


@pytest.fixture(scope="module")
async def callers(shared_world: World) -> Callers:
    return await Callers.of(shared_world)


async def test_no_operation_is_left_out(shared_world: World) -> None:
    paths = shared_world.app.openapi()["paths"]
    assert set(OPERATIONS) == {(method.upper(), path) for path, methods in paths.items() for method in methods}


@pytest.mark.parametrize("key", OPERATIONS, ids=" ".join)
async def test_an_operation_answers_as_it_is_described_whatever_is_sent(callers: Callers, key: Key) -> None:
    method, path = key
    # In a thread: the application has to come to its turns meanwhile.
    operation = await asyncio.to_thread(lambda: described(callers.world)[path][method])
    answer = await callers.in_order(operation, key)
    # What changes the directory names a version that nothing has; the hospital's system may introspect nothing; no
    # witness has signed anything; and the log was never begun anew (test_log_begun_anew.py has one that was).
    alone = {"/oauth2/introspect": {403}, "/log/checkpoint.witnessed": {404}}
    no_such_log = {404} if "{number}" in path else set()
    otherwise = {409, 412, 422} if key in ADDING | CHANGING else alone.get(path, no_such_log)
    assert answer.status_code < 400 or answer.status_code in otherwise, answer.text
    await asyncio.to_thread(_made_up, callers, operation, key, asyncio.get_running_loop())


def _made_up(callers: Callers, operation: Any, key: Key, loop: asyncio.AbstractEventLoop) -> None:
    """Make up calls, in a thread of their own, and send them from the loop of the application."""
    who = asker_of(key)
    governed = GOVERNED.get(key)

    @MADE_UP
    @given(st.data())
    def call(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        asker = data.draw(st.sampled_from([who] * 4 + [NOBODY] + [other for other in ANYBODY if key in GOVERNED]))
        for name in case.path_parameters or {}:
            if data.draw(st.booleans()):
                named = asyncio.run_coroutine_threadsafe(callers.names(name), loop).result()
                case.path_parameters[name] = data.draw(st.sampled_from(named))
        if governed and governed.body and data.draw(st.integers(0, 3)) == 0:
            case.body = governed.body
        genuine = asker is SYSTEM and data.draw(st.booleans())
        asyncio.run_coroutine_threadsafe(callers.send(case, asker, genuine=genuine), loop).result()

    call()
