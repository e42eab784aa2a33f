"""Witnesses sign as the log grows, and the verifier asks for as many as its policy names."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from builders import MovableClock, running_world
from integration.log_fetching import verified_over_http
from integration.log_scenes import grow
from integration.log_writers import AT, exported, log_keys
from structlog.testing import capture_logs

from registry_api.access_log import verify
from registry_api.access_log.anchoring import Anchors
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.note import Verifier
from registry_api.access_log.reading import last_checkpoint
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database
from registry_api.kernel.errors import KeysUnusable
from registry_api.kernel.settings import Settings

HOLDS, NOT, USAGE = 0, 1, 2
NOBODY = {"given_names": "Quillon", "family_name": "Demo-Larch", "date_of_birth": "2018-05-06"}


@contextmanager
def witnessing(folder: Path, name: str, keys: LogKeys, at: datetime = AT) -> Iterator[tuple[str, Verifier]]:
    """Lend a witness as a neighbour runs it, of our own verifier: its line in a policy, and its key."""
    folder.mkdir()
    verify.new_witness_keys(folder / "key", name)
    made = verify.Witness(folder / "key", folder / "state", verify.keys_of(keys.public()), lambda: at.timestamp())
    private = made._signers[0][2]
    key = Verifier(name, 4, private.public_key().public_bytes_raw())
    with ThreadingHTTPServer(("127.0.0.1", 0), made.handler()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"witness {folder.name} {key} http://127.0.0.1:{server.server_address[1]}\n", key
        server.shutdown()


async def test_witnesses_sign_as_the_log_grows_and_the_verifier_asks_for_them(
    database: Database, outside: Database, local: LocalKeys, keys: LogKeys, tmp_path: Path
) -> None:
    policy = tmp_path / "policy"
    logs = "".join(f"log {key}\n" for key in keys.public())
    with (
        witnessing(tmp_path / "w1", "one.test/w", keys) as (one, _),
        witnessing(tmp_path / "w2", "two.test/w", keys) as (two, _),
    ):
        policy.write_text(f"# neighbours\n{logs}{one}{two}group both all w1 w2\nquorum both\n")
        anchors = Anchors.build(Settings(log_witnesses=policy), MovableClock(AT))
        folder = await exported(database, tmp_path / "before")
        assert verify.main(["fsck", str(folder), "--policy", str(policy)]) == NOT, "nobody has signed yet"
        for number in (0, 1, 300, 2):
            await grow(database, local, keys, number)
            with capture_logs() as said:
                await anchors.run(outside)
                await anchors.run(outside)
            assert said == []
    async with database.connection() as connection:
        note = await last_checkpoint(connection)
        assert await connection.fetchval("SELECT count(*) FROM log_cosignature") == 8
    assert note.count("— one.test/w ".encode()) == note.count("— two.test/w ".encode()) == 1
    folder = await exported(database, tmp_path / "log")
    (published := tmp_path / "published").write_bytes(note)
    assert verify.main(["fsck", str(folder), "--policy", str(policy)]) == HOLDS
    assert verify.main(["verify-checkpoint", str(published), "--policy", str(policy)]) == HOLDS
    await grow(database, local, keys)
    folder = await exported(database, tmp_path / "grown")
    assert verify.main(["fsck", str(folder), "--policy", str(policy)]) == HOLDS, "they have signed what it began with"
    stranger = tmp_path / "stranger"
    with witnessing(tmp_path / "w3", "three.test/w", keys) as (three, _):
        stranger.write_text(f"{logs}{one}{three}group both all w1 w3\nquorum both\n")
        assert verify.main(["fsck", str(folder), "--policy", str(stranger)]) == NOT
        stranger.write_text(f"{logs}{one}{three}group one 1 w1 w3\nquorum one\n")
        assert verify.main(["fsck", str(folder), "--policy", str(stranger)]) == HOLDS


async def test_a_busy_log_serves_the_last_head_that_was_witnessed(
    database_url: str,
    outside: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with running_world(database_url, tmp_path / "state") as world:
        await world.ask("officer-1", NOBODY)
        signing, policy = log_keys(tmp_path / "state"), tmp_path / "policy"
        assert (await world.http.get("/log/checkpoint.witnessed")).status_code == 404
        with witnessing(tmp_path / "w1", "one.test/w", signing) as (one, _):
            policy.write_text("".join(f"log {key}\n" for key in signing.public()) + f"{one}quorum w1\n")
            await Anchors.build(Settings(log_witnesses=policy), world.clock).run(outside)
        await world.ask("nurse-1", NOBODY)
        last, signed = [(await world.http.get(f"/log/{name}")).text for name in ("checkpoint", "checkpoint.witnessed")]
        assert (last.count("— one.test/w "), signed.count("— one.test/w ")) == (0, 1)
        fetch = ["export", "https://register.test/log", str(tmp_path / "fetched"), "--policy", str(policy)]
        assert await verified_over_http(world, monkeypatch, fetch) == HOLDS
        sizes = [text.splitlines()[1] for text in (signed, last)]
        assert f"have signed the first {sizes[0]} of {sizes[1]} entries, no more" in capsys.readouterr().err


async def test_a_witness_that_knows_another_size_is_asked_again_and_one_that_is_ahead_is_an_alarm(
    database: Database, outside: Database, local: LocalKeys, keys: LogKeys, tmp_path: Path
) -> None:
    policy, clock = tmp_path / "policy", MovableClock(AT)
    with witnessing(tmp_path / "w1", "one.test/w", keys) as (one, _):
        policy.write_text(f"{one}quorum w1\n")
        anchors = Anchors.build(Settings(log_witnesses=policy), clock)
        await anchors.run(outside)
        async with database.connection() as connection:  # a backup was put back in which it had signed less
            await connection.execute("ALTER TABLE log_cosignature DISABLE TRIGGER USER")
            await connection.execute("DELETE FROM log_cosignature")
        await grow(database, local, keys)
        await anchors.run(outside)
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT max(size) FROM log_cosignature") == 8
            await connection.execute("DELETE FROM log_cosignature")
        state = tmp_path / "w1" / "state"
        state.write_text(state.read_text().replace(" 8", " 9").replace("[8", "[9"))
        with capture_logs() as said:
            await anchors.run(outside)
        assert [line["kind"] for line in said] == ["witness_ahead"]


async def test_a_signature_of_somebody_else_is_not_taken(
    database: Database, outside: Database, keys: LogKeys, tmp_path: Path
) -> None:
    policy = tmp_path / "policy"
    with (
        witnessing(tmp_path / "w1", "one.test/w", keys) as (one, _),
        witnessing(tmp_path / "w2", "two.test/w", keys) as (two, _),
    ):
        policy.write_text(f"witness w1 {one.split()[2]} {two.split()[3]}\nquorum w1\n")
        with capture_logs() as said:
            await Anchors.build(Settings(log_witnesses=policy), MovableClock(AT)).run(outside)
    assert [line["kind"] for line in said] == ["witness_signature"]
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM log_cosignature") == 0


@pytest.mark.parametrize("wrong", ["witness w1", "witnes w1 x", "witness w1 register.test+00000000+AAAA http://x"])
def test_a_file_of_witnesses_that_is_not_understood_is_refused(tmp_path: Path, wrong: str) -> None:
    (policy := tmp_path / "policy").write_text(f"{wrong}\n")
    with pytest.raises(KeysUnusable):
        Anchors.build(Settings(log_witnesses=policy), MovableClock(AT))
    assert verify.main(["verify-checkpoint", str(policy), "--policy", str(policy)]) == USAGE
