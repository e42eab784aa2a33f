"""What was asked is under a signed head before the register is read, and what is answered before it is sent (ENQ-2)."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from builders import World, entry, question, running_world, said
from integration.log_writers import exported, verifies

from policies.profile import Category
from registry_api.access_log import entry as log_entry
from registry_api.access_log import tree_store, verify
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.proof import Proof
from registry_api.access_log.reading import openings
from registry_api.access_log.sealing import subject_master
from registry_api.enquiries import found
from registry_api.kernel.crypto import LocalKeys
from registry_api.register.entry import PlanKind

KEY = "the-very-same-enquiry"
pytestmark = pytest.mark.rule("ENQ-2")


def log_keys(world: World) -> LogKeys:
    return LogKeys.load(world.settings.log_keys_file)


def key_arguments(world: World) -> list[str]:
    return [argument for key in log_keys(world).public() for argument in ("--log-key", key)]


async def _covered(world: World, kind: str) -> list[bool]:
    """Return of each entry of a kind whether it is under a signed head."""
    entries = [row["id"] for row in await world.log(kind)]
    async with world.database.connection() as connection:
        covered = list(await tree_store.covered(connection, entries))
    return [number in covered for number in entries]


async def test_an_answer_carries_a_receipt_that_a_program_of_others_can_check(world: World, tmp_path: Path) -> None:
    answer = await world.ask("officer-1", question())
    (given := tmp_path / "mine.tlog-proof").write_text(answer.json()["receipt"])
    assert verify.main(["verify-inclusion", str(given), *key_arguments(world)]) == 0
    leaf = json.loads(Proof.of(given.read_bytes()).entry)
    assert (leaf["t"], leaf["ref"]) == ("enquiry.answered", answer.json()["reference"])
    assert "Quillon" not in given.read_text()
    folder = await exported(world.database, tmp_path / "log")
    assert verifies(folder, log_keys(world), given)


async def test_the_receipt_answers_for_the_answer_as_it_is_kept(world: World) -> None:
    answer = await world.ask("officer-1", question())
    async with world.database.connection() as connection:
        received, answered = await openings(connection, world.vault, answer.json()["reference"], [])
        kept = await connection.fetchrow(
            "SELECT sealed_question, sealed_answer FROM enquiry JOIN enquiry_answer ON enquiry_id = id"
        )
    officer = world.members["officer-1"]
    for opened, sealed in ((received, kept["sealed_question"]), (answered, kept["sealed_answer"])):
        values = {name: field["value"] for name, field in opened["fields"].items()}
        assert values["digest"] == hashlib.sha256(sealed).hexdigest()
        assert values["professional_id"] == str(officer.id)
        assert values["client_id"] == officer.client_id


async def test_the_register_is_not_read_before_the_question_is_under_a_signed_head(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[bool]] = []
    find = found.find

    async def watched(*arguments: Any, **named: Any) -> Any:
        seen.append(await _covered(world, "enquiry.received"))
        return await find(*arguments, **named)

    monkeypatch.setattr(found, "find", watched)
    assert (await world.ask("officer-1", question())).status_code == 200
    assert seen == [[True]]
    assert await _covered(world, "enquiry.answered") == [True]


async def test_while_the_log_cannot_be_signed_nothing_is_read_and_nothing_disclosed(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_world(database_url, tmp_path / "state", log_deadline_seconds=3) as world:
        await world.add(entry(plan=PlanKind.FULL, categories=(Category.NEGLECT,), key_worker=world.members["kw-1"].id))
        first = await world.ask("officer-1", question())
        assert first.status_code == 200
        fence = log_keys(world).fence
        whole = fence.path.read_bytes()
        fence.path.write_text(json.dumps({**json.loads(whole), "size": 1_000}))
        read: list[object] = []
        with monkeypatch.context() as patched:
            patched.setattr(found, "find", lambda *_, **__: read.append(1))
            refused = await world.ask("nurse-1", question(), key=KEY)
        assert refused.status_code == 503
        assert "neglect" not in refused.text
        assert read == []
        assert await _covered(world, "enquiry.received") == [True, False], "recorded all the same"
        fence.path.write_bytes(whole)
        retried = await world.ask("nurse-1", question(), key=KEY)
        assert retried.json()["outcome"] == "on_plan"
        assert await _covered(world, "enquiry.received") == [True, True], "and not a third time"


async def test_an_answer_that_could_not_be_covered_is_not_sent_and_is_the_same_later(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_world(database_url, tmp_path / "state", log_deadline_seconds=3) as world:
        fence = log_keys(world).fence
        find = found.find

        async def then_broken(*arguments: Any, **named: Any) -> Any:
            fence.path.write_text(fence.path.read_text().replace('"size": ', '"size": 99'))
            return await find(*arguments, **named)

        with monkeypatch.context() as patched:
            patched.setattr(found, "find", then_broken)
            assert (await world.ask("officer-1", question(), key=KEY)).status_code == 503
        assert await _covered(world, "enquiry.answered") == [False]
        fence.path.write_text(fence.path.read_text().replace('"size": 99', '"size": '))
        again = await world.ask("officer-1", question(), key=KEY)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert await _covered(world, "enquiry.answered") == [True]
        assert said(again)


async def test_a_childs_key_finds_what_was_answered_about_the_child(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    about = await world.ask("officer-1", question())
    other = await world.ask(
        "officer-1", question("Rowan", "Fieldway-Test", born="2013-11-23", address="1 Quayside", postcode="JE5 7QY")
    )
    folder = await exported(world.database, tmp_path / "log")
    master = subject_master(LocalKeys.load(world.settings.keys_file))
    (key := tmp_path / "key").write_text(log_entry.subject_key(master, child).hex())
    assert verify.main(["find-subject", str(folder), "--key", str(key), *key_arguments(world)]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[3] for line in listed.splitlines() if line.startswith("* ")] == ["enquiry.answered"]
    assert about.json()["reference"] in listed
    assert other.json()["reference"] not in listed


async def test_what_may_hold_a_name_does_not_stand_in_the_open(world: World) -> None:
    """References of the directory hold an organisation's own identifiers of people; those we made up tell nothing."""
    async with world.database.connection() as connection:
        await connection.execute(
            "INSERT INTO access_entry (at, kind, reference) VALUES (now(), 'directory.changed', 'police/testperson')"
        )
    await world.ask("officer-1", question())
    async with world.database.connection() as connection:
        leaves = [row["leaf"] for row in await connection.fetch("SELECT leaf FROM log_entry")]
    assert len(leaves) >= 3
    assert not any(b"testperson" in leaf for leaf in leaves)
