"""A child who came by a transfer and the authority's own record of that child become one entry, and nothing is lost."""

from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from register_imports import NOW, Import, child, children, importing, only_tokens_that_belong

from policies.profile import Category
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.matching.person import Name
from registry_api.matching.tokens import TokenKeys
from registry_api.register import loading, store
from registry_api.register.entry import Case, ChildEntry, ChildPlan, Identity, OtherKeyWorker, PlanKind, Residence
from registry_api.register.rules import Reason
from registry_api.register.sealing import child_key, rows_of

NO_PLAN = {"plan_kind": "", "plan_categories": "", "plan_start": ""}
HERE = Residence(lines="2 Elderley Lane", postcode="ZX1 4QP", valid_from=date(2026, 2, 20))
ALLOCATED = Case(opened_on=date(2026, 2, 21))


@pytest.fixture
async def bring_in(database: Database, keys_file: Path, tmp_path: Path) -> Import:
    """Import rows, or a file."""
    return await importing(database, keys_file, tmp_path)


class Register:
    """What a transfer puts there and what then stands there."""

    def __init__(self, database: Database, vault: Vault, token_keys: TokenKeys) -> None:
        self.database, self.vault, self.token_keys = database, vault, token_keys

    async def moved(self, **identity: object) -> ChildEntry:
        async with self.database.connection() as connection:
            elsewhere = await connection.fetchval("SELECT id FROM organisation WHERE code = 'elsewhere'")
        who = {
            "names": (Name("Testab", "Syntheticova"), Name("Testab", "Formerlyname")),
            "date_of_birth": date(2011, 5, 4),
            "nhs_number": "9990000018",
        }
        return ChildEntry(
            identity=Identity(**{**who, **identity}),  # type: ignore[arg-type]
            residences=(HERE,),
            cases=(ALLOCATED,),
            plans=(
                ChildPlan(
                    kind=PlanKind.TEMPORARY,
                    categories=(Category.NEGLECT,),
                    started_on=date(2025, 9, 1),
                    responsible_organisation_id=elsewhere,
                    other_key_worker=OtherKeyWorker("Altera Operaria", "01632 960123"),
                ),
            ),
        )

    async def transfer(self, entry: ChildEntry) -> UUID:
        child_id = uuid4()
        async with self.database.transaction() as connection:
            rows = rows_of(entry, child_id, self.vault, self.token_keys, NOW)
            await loading.insert(connection, [rows])
            await connection.execute(
                "INSERT INTO transfer_case (id, reference, received_at, client_id, professional_id, "
                "originating_organisation_id, request_digest, child_id, placed_as, moved_on, conference_due, "
                "calendar_version, data_key, sealed_notice) SELECT $1, 'T-00000-0000' || (SELECT count(*) FROM "
                "transfer_case), $2, '', $1, id, '', $3, 'temporary_entry', $4, $4, '', '', '' "
                "FROM organisation WHERE code = 'elsewhere'",
                uuid4(),
                NOW,
                child_id,
                NOW.date(),
            )
        return child_id

    async def read(self, child_id: UUID) -> ChildEntry:
        async with self.database.connection() as connection:
            entry = await loading.read_entry(connection, child_id, self.vault)
        assert entry is not None
        return entry

    async def is_indexed(self) -> bool:
        return await only_tokens_that_belong(self.database, self.vault, self.token_keys)


@pytest.fixture
def register(database: Database, vault: Vault, token_keys: TokenKeys) -> Register:
    """The register and its keys."""
    return Register(database, vault, token_keys)


@pytest.mark.rule("REG-1", "TRF-2")
async def test_a_new_record_takes_over_the_entry_of_a_transfer(bring_in: Import, register: Register) -> None:
    moved = await register.moved()
    child_id = await register.transfer(moved)
    (before,) = await children(register.database)
    row = child(1, place_of_birth="Nowhereville", **NO_PLAN)
    assert (await bring_in(row, dry_run=True)).changed == 1
    report = await bring_in(row)
    assert (report.added, report.changed, report.warnings) == (0, 1, [])
    (after,) = await children(register.database)
    assert (after["id"], after["data_key"]) == (child_id, before["data_key"])
    entry = await register.read(child_id)
    assert (entry.identity.record_id, entry.identity.place_of_birth) == ("C1", "Nowhereville")
    assert set(entry.identity.names) == set(moved.identity.names)
    assert entry.identity.nhs_number == "9990000018"
    assert entry.plans == moved.plans
    assert await register.is_indexed()
    assert (await bring_in(row)).unchanged == 1


@pytest.mark.rule("TRF-2", "REG-2")
async def test_a_record_without_a_case_leaves_the_allocated_one(bring_in: Import, register: Register) -> None:
    child_id = await register.transfer(await register.moved())
    report = await bring_in(child(1, case_closed="2025-06-06", **NO_PLAN))
    assert report.changed == 1
    assert ALLOCATED in (await register.read(child_id)).cases


@pytest.mark.rule("TRF-2", "REG-2")
@pytest.mark.parametrize("changed", [{"sex": "f"}, {"address": "9 Marlcombe Road", "postcode": "ZX2 1AB"}], ids=str)
async def test_an_import_does_not_undo_what_a_transfer_added(
    bring_in: Import, register: Register, changed: dict[str, str]
) -> None:
    row = child(1, address="9 Marlcombe Road", postcode="ZX2 1AB", **NO_PLAN)
    await bring_in(row)
    (standing,) = await children(register.database)
    moved = await register.moved(record_id="C1")
    async with register.database.transaction() as connection:
        key = child_key(standing, register.vault)
        rows = rows_of(moved, standing["id"], register.vault, register.token_keys, NOW, key=key)
        await loading.replace(connection, [rows], register.vault, register.token_keys)
    assert (await bring_in(row | {"mother_given_names": "Matrissima"} | changed)).changed == 1
    entry = await register.read(standing["id"])
    assert Name("Testab", "Formerlyname") in entry.identity.names
    assert entry.identity.nhs_number == "9990000018"
    assert {home.lines for home in entry.residences if home.valid_to is None} == {HERE.lines, "9 Marlcombe Road"}
    assert entry.identity.mother == (Name("Matrissima", ""),)
    assert entry.plans == moved.plans
    assert await register.is_indexed()


@pytest.mark.rule("REG-1")
async def test_what_is_only_possible_is_said_and_left_to_a_person(bring_in: Import, register: Register) -> None:
    entry = await register.moved(nhs_number="")
    elsewhere = Residence(lines="44 Quorley Terrace", postcode="ZX9 9ZZ")
    await register.transfer(ChildEntry(identity=entry.identity, residences=(elsewhere,), plans=entry.plans))
    report = await bring_in(child(1))
    assert (report.added, report.changed) == (1, 0)
    assert [(found.line, found.reason, found.other) for found in report.warnings] == [
        (2, Reason.MAYBE_TRANSFERRED, "T-00000-00000")
    ]
    assert "T-00000-00000" in report.warnings[0].words
    assert len(await children(register.database)) == 2


@pytest.mark.rule("REG-1")
async def test_a_brother_or_sister_takes_nothing_over(bring_in: Import, register: Register) -> None:
    await register.transfer(await register.moved())
    report = await bring_in(child(1, given_names="Oswald", nhs_number=""), child(2, address="2 Elderley Lane"))
    assert (report.added, report.changed) == (2, 0)


@pytest.mark.rule("REG-1")
async def test_an_entry_goes_to_one_record_and_the_second_record_is_named(bring_in: Import, register: Register) -> None:
    await register.transfer(await register.moved())
    report = await bring_in(child(1), child(3), child(1, record_id="C1-again", case_closed="2025-06-06", **NO_PLAN))
    assert (report.added, report.changed, report.loaded) == (2, 1, True)
    assert [(found.line, found.reason, found.other) for found in report.warnings] == [
        (4, Reason.SAME_CHILD_ON_LINE, "2")
    ]


@pytest.mark.rule("REG-1")
async def test_each_further_record_of_a_child_names_the_first(bring_in: Import) -> None:
    report = await bring_in(*(child(1, record_id=f"C1-{n}") for n in range(3)), child(1, given_names="Oswald"))
    assert [(found.line, found.other) for found in report.warnings] == [(3, "2"), (4, "2")]


@pytest.mark.rule("ENQ-6")
async def test_only_an_import_makes_the_register_fresher(bring_in: Import, register: Register) -> None:
    async with register.database.connection() as connection:
        assert await store.last_load(connection) is None
        await loading.note_load(connection, NOW, "transfer", added=1)
        assert await store.last_load(connection) is None
    await bring_in(child(1))
    async with register.database.connection() as connection:
        await loading.note_load(connection, NOW + timedelta(days=60), "transfer", added=1)
        assert await store.last_load(connection) == NOW
