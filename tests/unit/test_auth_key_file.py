"""The file of the signing keys: one for all workers, for its owner alone, and followed while they run."""

import json
from pathlib import Path
from typing import Any

import pytest
from auth_doubles import AUDIENCE, HOSPITAL, HOSPITAL_KEY, HOSPITAL_PUBLIC, ISSUER, Clock, House, decoded

from auth.errors import InsecureEnvironment, InvalidToken, Reason
from auth.key_file import KeyFile, Replacement, load, save_new
from auth.keys import SigningKey, SigningKeys, UnusableKeys, written
from auth.rotation import SHORTEST_LEAD_SECONDS, only_new, with_next
from auth.tokens import TokenIssuer, TokenVerifier


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "signing-keys.json"


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Worker:
    """What one process of the service does with the keys."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.keys = KeyFile(path, clock)
        self.clock = clock
        self.issuer = TokenIssuer(ISSUER, AUDIENCE, self.keys, clock)
        self.verifier = TokenVerifier(ISSUER, AUDIENCE, self.keys, clock)

    def token(self) -> str:
        house = House()
        nurse = next(iter(house.register.professionals.values()))
        return self.issuer.issue(house.register.clients[HOSPITAL], nurse, "enquiry", house.binding)

    def accepts(self, token: str) -> bool:
        try:
            return self.verifier.verify(token).client_id == HOSPITAL
        except InvalidToken as refused:
            if refused.reason is not Reason.KEY:
                raise
            return False

    @property
    def published(self) -> set[str]:
        return {key["kid"] for key in self.keys().public_jwks(self.clock.seconds())["keys"]}


def signed_with(token: str) -> str:
    return str(decoded(token, 0)["kid"])


def put(path: Path, keys: SigningKeys) -> None:
    """As the command does it."""
    assert Replacement(path, keys, load(path)[0]).put_in_place()


def test_keys_are_made_once_and_for_their_owner_alone(key_file: Path, clock: Clock) -> None:
    made = KeyFile(key_file, clock)()
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in key_file.parent.iterdir()] == [key_file.name]
    assert written(KeyFile(key_file, clock)()) == written(made)
    assert made.signing(0).kid == made.public_jwks(0)["keys"][0]["kid"]


def test_of_two_processes_that_make_keys_both_use_those_of_the_first(key_file: Path, clock: Clock) -> None:
    first, second = SigningKeys.generate(), SigningKeys.generate()
    save_new(key_file, first)
    save_new(key_file, second)
    assert written(KeyFile(key_file, clock)()) == written(first)
    assert len(list(key_file.parent.iterdir())) == 1


def test_keys_that_others_may_read_are_refused(key_file: Path, clock: Clock) -> None:
    KeyFile(key_file, clock)
    key_file.chmod(0o640)
    with pytest.raises(InsecureEnvironment):
        KeyFile(key_file, clock)


def _kept(*keys: SigningKey, **more: Any) -> str:
    return json.dumps({"keys": [{**key, **more} for key in written(SigningKeys(keys))["keys"]]})


ONE, OTHER = SigningKey.generate(1), SigningKey.generate(2)
DAMAGED = {
    "empty": "",
    "cut off": _kept(ONE)[:-40],
    "a list": "[]",
    "no keys": "{}",
    "not one key": '{"keys": []}',
    "half a key": '{"keys": [{"kty": "EC"}]}',
    "a number for a key": '{"keys": [1]}',
    "a public key": json.dumps({"keys": [HOSPITAL_PUBLIC]}),
    "no kid": json.dumps({"keys": [{name: value for name, value in HOSPITAL_KEY.items() if name != "kid"}]}),
    "one key twice": _kept(SigningKey(ONE.key, 1, 9), SigningKey(ONE.key, 2)),
    "a text for a time": _kept(ONE, signs_from="1"),
    "a truth for a time": _kept(ONE, signs_from=True),
    "a fraction for a time": _kept(ONE, signs_from=1.5),
    "no time": _kept(ONE, signs_from=None),
    "a text for an end": _kept(ONE, verifies_until="9"),
    "two that sign from one moment on": _kept(SigningKey(ONE.key, 1, 9), SigningKey(OTHER.key, 1)),
    "one that is followed and has no end": _kept(ONE, OTHER),
    "a last one with an end": _kept(ONE, verifies_until=9),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_key_file_is_refused_and_not_replaced(key_file: Path, clock: Clock, content: str) -> None:
    key_file.parent.mkdir()
    key_file.write_text(content)
    key_file.chmod(0o600)
    with pytest.raises(UnusableKeys) as refused:
        KeyFile(key_file, clock)
    assert key_file.read_text() == content
    assert ONE.key.as_dict(private=True)["d"] not in str(refused.value)


def test_a_worker_follows_the_file_within_a_second(key_file: Path, clock: Clock) -> None:
    worker = Worker(key_file, clock)
    (before,) = worker.published
    put(key_file, with_next(worker.keys(), clock.seconds(), SHORTEST_LEAD_SECONDS))
    assert worker.published == {before}, "it has looked this very second"
    clock.forward(1)
    assert len(worker.published) == 2


def test_a_clock_that_was_put_back_keeps_nobody_from_looking(key_file: Path, clock: Clock) -> None:
    worker = Worker(key_file, clock)
    put(key_file, with_next(worker.keys(), clock.seconds(), SHORTEST_LEAD_SECONDS))
    clock.forward(-3600)
    assert len(worker.published) == 2


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_worker_keeps_what_it_has_while_the_file_is_half_written(
    key_file: Path, clock: Clock, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(key_file, clock)
    token, whole = worker.token(), key_file.read_text()
    for half in (content, content + " "):
        key_file.write_text(half)
        clock.forward(1)
        assert worker.accepts(token)
        assert signed_with(worker.token()) == signed_with(token)
    assert [record.getMessage() for record in caplog.records] == [
        "the signing keys cannot be read again: UnusableKeys"
    ], "once, and nothing of what stands there"

    key_file.write_text(whole)
    put(key_file, only_new(clock.seconds()))
    clock.forward(1)
    assert not worker.accepts(token), "it reads on when the file is mended"


@pytest.mark.parametrize("how", ["gone", "open to others"])
def test_a_worker_keeps_what_it_has_while_the_file_may_not_be_read(key_file: Path, clock: Clock, how: str) -> None:
    worker = Worker(key_file, clock)
    token = worker.token()
    if how == "gone":
        key_file.unlink()
    else:
        put(key_file, only_new(clock.seconds()))
        key_file.chmod(0o644)
    clock.forward(1)
    assert worker.accepts(token)
    assert worker.accepts(worker.token())
    assert key_file.exists() == (how != "gone"), "a running worker makes no keys"


def test_what_somebody_else_changed_meanwhile_is_not_replaced(key_file: Path, clock: Clock) -> None:
    KeyFile(key_file, clock)
    stamp, _ = load(key_file)
    one, other = (Replacement(key_file, only_new(seconds), stamp) for seconds in (1, 2))
    assert one.put_in_place()
    assert not other.put_in_place()
    other.discard()
    assert load(key_file)[1].keys[0].signs_from == 1
    assert [path.name for path in key_file.parent.iterdir()] == [key_file.name]
    assert key_file.stat().st_mode & 0o777 == 0o600
