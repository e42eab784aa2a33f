"""One signing key follows another, and no token is refused for it, by whichever worker and whatever its clock says."""

from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from auth_doubles import Clock, House, application
from test_auth_key_file import Worker, put, signed_with

from auth.key_file import load
from auth.keys import SigningKeys
from auth.rotation import (
    CLOCKS_APART_SECONDS,
    PUBLISHED_SECONDS,
    SHORTEST_LEAD_SECONDS,
    RotationUnderWay,
    only_new,
    with_next,
)
from auth.tokens import LIFETIME_SECONDS

LEAD = SHORTEST_LEAD_SECONDS
NOW = 1_900_000_000


class Skewed(Clock):
    """A clock that is off by so many seconds from another one."""

    def __init__(self, right: Clock, by: int) -> None:
        self._right, self._by = right, by

    @property
    def now(self) -> datetime:  # type: ignore[override]
        return self._right.now + timedelta(seconds=self._by)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "signing-keys.json"


def test_a_rotation_step_by_step() -> None:
    keys = with_next(SigningKeys.generate(), NOW, LEAD)
    old, new = keys.keys

    def published(at: int) -> list[str]:
        return [key["kid"] for key in keys.public_jwks(at)["keys"]]

    assert published(NOW) == [old.kid, new.kid], "the new one is known before it is used"
    assert keys.signing(NOW + LEAD - 1) is old
    assert keys.signing(NOW + LEAD) is new
    over = NOW + LEAD + LIFETIME_SECONDS + CLOCKS_APART_SECONDS
    assert published(over - 1) == [old.kid, new.kid], "what the old one signed last has not expired"
    assert published(over) == [new.kid]
    assert keys.accepted(old.kid, over - 1) is old
    assert keys.accepted(old.kid, over) is None
    assert keys.accepted("another", NOW) is None

    (followed, newest) = with_next(keys, over, LEAD).keys
    assert (followed.kid, newest.signs_from) == (new.kid, over + LEAD), "what is over is dropped from the file"


def test_a_second_one_waits_for_the_first() -> None:
    keys = with_next(SigningKeys.generate(), NOW, LEAD)
    with pytest.raises(RotationUnderWay) as refused:
        with_next(keys, NOW + LEAD - 1, LEAD)
    assert refused.value.since.timestamp() == NOW + LEAD
    assert len(with_next(keys, NOW + LEAD, LEAD).keys) == 3, "the one before is still needed"


def test_no_key_signs_before_everybody_can_know_it() -> None:
    with pytest.raises(ValueError, match="know"):
        with_next(SigningKeys.generate(), NOW, LEAD - 1)


async def test_nobody_keeps_the_published_keys_for_longer_than_a_rotation_allows() -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=application(House())), base_url="https://register.example"
    ) as http:
        answer = await http.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == f"public, max-age={PUBLISHED_SECONDS}"
    assert PUBLISHED_SECONDS + 2 * CLOCKS_APART_SECONDS <= SHORTEST_LEAD_SECONDS


@pytest.mark.parametrize(("ahead", "behind"), [(0, 0), (60, 0), (0, 60), (30, 30)])
def test_while_keys_change_every_worker_accepts_what_every_other_one_signs(
    key_file: Path, ahead: int, behind: int
) -> None:
    # Whether a token has expired, and by whose clock, is another matter: here it is whether its key is known still.
    assert ahead + behind <= CLOCKS_APART_SECONDS
    right = Clock()
    first = Worker(key_file, Skewed(right, ahead))
    other = Worker(key_file, Skewed(right, -behind))
    external: dict[int, set[str]] = {}
    begun, seen = right.seconds(), set[str]()
    rotated = False
    signed: list[tuple[int, str]] = []
    for step in range(0, LEAD + 2 * LIFETIME_SECONDS + 4 * CLOCKS_APART_SECONDS, 15):
        if step >= 30 and not rotated:
            put(key_file, with_next(load(key_file)[1], right.seconds(), LEAD))
            rotated = True
        external[step] = first.published & other.published
        for worker in (first, other):
            kid = signed_with(worker.token())
            signed.append((step, kid))
            seen.add(kid)
            # Whoever fetched the keys as long ago as they may be kept knows the key.
            assert kid in external[max(0, step - PUBLISHED_SECONDS)]
        for at, kid in signed:
            if step - at < LIFETIME_SECONDS:
                assert all(w.keys().accepted(kid, w.clock.seconds()) for w in (first, other)), (at, step)
        right.forward(15)
    assert len(seen) == 2
    assert right.seconds() - begun > LEAD + LIFETIME_SECONDS
    assert len(first.published) == len(other.published) == 1, "the old one is dropped in the end"


def test_a_key_that_a_worker_has_not_read_yet_is_looked_for_at_once(key_file: Path) -> None:
    clock = Clock()
    one, other = Worker(key_file, clock), Worker(key_file, clock)
    put(key_file, only_new(clock.seconds()))
    late = Worker(key_file, clock)
    token = late.token()
    assert other.accepts(token), "though it has looked this very second"
    assert one.accepts(token)


def test_after_a_key_became_known_nothing_that_it_signed_is_accepted(key_file: Path) -> None:
    clock = Clock()
    worker = Worker(key_file, clock)
    token = worker.token()
    assert worker.accepts(token)
    put(key_file, only_new(clock.seconds()))
    clock.forward(1)
    assert not worker.accepts(token), "not even what was found good before and is remembered"
    assert worker.accepts(worker.token())


def test_by_a_clock_that_is_behind_the_first_key_signs_all_the_same() -> None:
    keys = only_new(NOW)
    assert keys.signing(NOW - 5) is keys.keys[0]
