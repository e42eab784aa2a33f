"""Entries become rows and come back whole; what the rows show to somebody without the keys is nothing personal."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.profile import Category
from registry_api.kernel.crypto import EnvelopeError, LocalKeys, Vault
from registry_api.matching.person import Name
from registry_api.matching.tokens import TokenKeys
from registry_api.register.entry import (
    Case,
    ChildEntry,
    ChildPlan,
    HouseholdPerson,
    Identity,
    OtherKeyWorker,
    PlanKind,
    Relationship,
    Residence,
)
from registry_api.register.sealing import (
    COLUMNS,
    EntryRows,
    child_key,
    open_entry,
    open_identity,
    open_other_key_worker,
    open_record,
    postings_of,
    rows_of,
)
from registry_api.register.source import SourceKeys

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
KEYS = LocalKeys(1, {1: bytes(range(32))}, bytes(range(32, 64)))
VAULT = Vault(KEYS)
TOKEN_KEYS = TokenKeys(KEYS.index_master)
SOURCE_KEYS = SourceKeys(KEYS.index_master)

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=24)
maybe_words = st.just("") | words
days = st.dates(date(1990, 1, 1), date(2026, 3, 2))
maybe_day = st.none() | days
names = st.builds(Name, maybe_words, words)

entries = st.builds(
    ChildEntry,
    identity=st.builds(
        Identity,
        names=st.lists(names, min_size=1, max_size=3).map(tuple),
        record_id=st.text("ABC0123456789-", max_size=12),
        household_id=st.text("HJ0123456789-", max_size=12),
        date_of_birth=maybe_day,
        expected_delivery=maybe_day,
        sex=st.sampled_from(["f", "m", ""]),
        place_of_birth=maybe_words,
        mother=st.lists(names, max_size=2).map(tuple),
        mother_date_of_birth=maybe_day,
        nhs_number=st.sampled_from(["", "9990000018"]),
    ),
    residences=st.lists(
        st.builds(Residence, lines=words, postcode=maybe_words, valid_from=maybe_day, valid_to=maybe_day), max_size=3
    ).map(tuple),
    household=st.lists(st.builds(HouseholdPerson, words, st.sampled_from(Relationship)), max_size=3).map(tuple),
    cases=st.lists(
        st.builds(
            Case, opened_on=days, closed_on=maybe_day, key_worker_id=st.none() | st.uuids(), team_manager_id=st.none()
        ),
        max_size=2,
    ).map(tuple),
    plans=st.lists(
        st.builds(
            ChildPlan,
            kind=st.sampled_from(PlanKind),
            categories=st.lists(st.sampled_from(Category), unique=True).map(tuple),
            started_on=days,
            ended_on=maybe_day,
            responsible_organisation_id=st.none() | st.uuids(),
            other_key_worker=st.none() | st.builds(OtherKeyWorker, words, maybe_words),
        ),
        max_size=2,
    ).map(tuple),
    looked_after=st.booleans(),
    missing_since=maybe_day,
    restricted=st.booleans(),
)

WHOLE = ChildEntry(
    identity=Identity(
        names=(Name("Testalina Quilliam", "Syntheticova"), Name("Tessie", "Formerlyname")),
        record_id="RECORD-77123",
        household_id="HOUSEHOLD-4410",
        date_of_birth=date(2018, 5, 4),
        place_of_birth="Nowhereville",
        mother=(Name("Matrissima", "Syntheticova"),),
        mother_date_of_birth=date(1990, 7, 8),
        nhs_number="9990000018",
    ),
    residences=(
        Residence(lines="14 Elderley Lane, Quorley", postcode="ZX1 4QP", uprn="999900000001"),
        Residence(lines="3 Marlcombe Road", postcode="ZX2 1AB", valid_to=date(2024, 2, 1)),
    ),
    household=(HouseholdPerson("Quidamus Alienus", Relationship.STEPFATHER),),
    plans=(
        ChildPlan(
            kind=PlanKind.TEMPORARY,
            categories=(Category.NEGLECT,),
            started_on=date(2026, 2, 2),
            responsible_organisation_id=UUID(int=9),
            other_key_worker=OtherKeyWorker("Altera Operaria", "01632 960123"),
        ),
    ),
)


def stored(rows: EntryRows, table: str) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS[table], row, strict=True)) for row in rows.tables[table]]


def open_again(rows: EntryRows) -> ChildEntry:
    (child,) = stored(rows, "child")
    return open_entry(child, {table: stored(rows, table) for table in COLUMNS}, VAULT)


def in_order(entry: ChildEntry) -> ChildEntry:
    """The same entry with its parts in an order that does not matter to it."""
    parts = {part: tuple(sorted(getattr(entry, part), key=repr)) for part in ("residences", "cases", "plans")}
    return replace(entry, **parts)


def seal(entry: ChildEntry, child_id: UUID | None = None) -> EntryRows:
    return rows_of(entry, child_id or uuid4(), VAULT, TOKEN_KEYS, NOW)


@pytest.mark.rule("REG-2")
@given(entries)
def test_an_entry_comes_back_whole(entry: ChildEntry) -> None:
    assert in_order(open_again(seal(entry))) == in_order(entry)


@given(entries)
def test_the_tokens_of_a_child_can_be_computed_again_from_its_row(entry: ChildEntry) -> None:
    rows = seal(entry)
    (child,) = stored(rows, "child")
    for table, postings in postings_of(child, child["number"], VAULT, TOKEN_KEYS).items():
        assert sorted(postings) == sorted(tuple(row.values()) for row in stored(rows, table))
        assert len({token for token, _, _ in postings}) == len(postings)


@pytest.mark.rule("ENQ-5")
def test_where_a_child_lives_and_lived_is_indexed_for_others_at_that_address() -> None:
    def where(*residences: Residence) -> set[int]:
        return {row["token"] for row in stored(seal(replace(WHOLE, residences=residences)), "address_token")}

    now, before = WHOLE.residences
    assert where(now, before) == where(now) | where(before)
    assert where(now).isdisjoint(where(before))
    assert where(now) != set() != where(before)


def personal_strings() -> Iterator[str]:
    child = WHOLE.identity
    for name in (*child.names, *child.mother):
        yield from (*name.given.split(), name.family)
    for home in WHOLE.residences:
        yield from (home.lines, *home.lines.replace(",", "").split()[1:], home.postcode)
        yield home.postcode.replace(" ", "")
    for day in (child.date_of_birth, child.mother_date_of_birth):
        assert day is not None
        yield from (day.isoformat(), f"{day:%Y%m%d}", f"{day:%d/%m/%Y}")
    yield from (member.name for member in WHOLE.household)
    yield from (child.place_of_birth, child.nhs_number, child.record_id, child.household_id)
    yield from ("999900000001", "Altera", "01632 960123")


@pytest.mark.rule("ENQ-3")
def test_rows_show_nothing_personal() -> None:
    source = SOURCE_KEYS.source(WHOLE.identity.record_id, ["RECORD-77123", "Testalina"])
    rows = rows_of(WHOLE, uuid4(), VAULT, TOKEN_KEYS, NOW, source=source)
    shown = "\n".join(
        value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for table in rows.tables.values()
        for row in table
        for value in row
    ).lower()
    texts = {text for text in personal_strings() if len(text) > 3}
    assert len(texts) > 25
    assert [text for text in texts if text.lower() in shown] == []


@pytest.mark.rule("REG-1")
def test_no_value_of_their_rows_says_that_two_children_are_of_one_household() -> None:
    brother = replace(WHOLE.identity, names=(Name("Quodlibet", "Syntheticova"),), date_of_birth=date(2014, 1, 2))
    rows = [row for one in (WHOLE, replace(WHOLE, identity=brother)) for row in stored(seal(one), "child")]
    alike = {column for column in rows[0] if rows[0][column] == rows[1][column]}
    assert alike == {
        "token_version", "source_tag", "source_digest", "looked_after", "missing_since", "restricted", "updated_at",
        "created_at",
    }  # fmt: skip


def test_what_was_sealed_before_there_was_a_household_in_it_opens() -> None:
    (child,) = stored(seal(WHOLE), "child")
    before = {name: value for name, value in asdict(WHOLE.identity).items() if name != "household_id"}
    sealed = child_key(child, VAULT).seal("identity", msgspec.json.encode(before))
    assert open_identity(child | {"sealed_identity": sealed}, VAULT) == replace(WHOLE.identity, household_id="")


def test_a_sealed_field_opens_in_its_own_row_only() -> None:
    first, second = seal(WHOLE), seal(WHOLE)
    (mine,), (theirs,) = stored(first, "child"), stored(second, "child")
    assert open_identity(mine, VAULT) == WHOLE.identity
    with pytest.raises(EnvelopeError):
        open_identity(mine | {"sealed_identity": theirs["sealed_identity"]}, VAULT)
    with pytest.raises(EnvelopeError):
        open_identity(mine | {"sealed_identity": mine["sealed_record"]}, VAULT)
    with pytest.raises(EnvelopeError):
        open_record(theirs | {"id": mine["id"]}, VAULT)
    now, before = stored(first, "child_address")
    moved = [now | {"sealed": before["sealed"]}, before]
    with pytest.raises(EnvelopeError):
        open_entry(mine, {table: stored(first, table) for table in COLUMNS} | {"child_address": moved}, VAULT)


@pytest.mark.rule("TRF-2")
def test_the_other_authoritys_key_worker_opens_with_the_childs_key_for_that_plan() -> None:
    rows = seal(WHOLE)
    (child,), (plan,) = stored(rows, "child"), stored(rows, "plan")
    key, sealed = child_key(child, VAULT), plan["sealed_other_key_worker"]
    assert open_other_key_worker(key, plan["id"], sealed) == OtherKeyWorker("Altera Operaria", "01632 960123")
    assert open_other_key_worker(key, plan["id"], None) is None
    with pytest.raises(EnvelopeError):
        open_other_key_worker(key, uuid4(), sealed)


def test_a_standing_child_keeps_its_data_key() -> None:
    rows = seal(WHOLE)
    (child,) = stored(rows, "child")
    again = rows_of(WHOLE, rows.child_id, VAULT, TOKEN_KEYS, NOW, key=child_key(child, VAULT))
    (renewed,) = stored(again, "child")
    assert renewed["data_key"] == child["data_key"]
    assert renewed["sealed_identity"] != child["sealed_identity"]
    assert open_again(again) == open_again(rows)


def test_what_stands_for_an_identifier_of_the_authority_depends_on_the_key_and_on_what_it_names() -> None:
    source = SOURCE_KEYS.source("C1", ["C1", "a", "b"])
    assert SOURCE_KEYS.source("C1", ["C1", "a", "b"]) == source
    assert SOURCE_KEYS.source("C1", ["C1", "ab", ""]).digest != source.digest
    assert SOURCE_KEYS.source("C2", ["C1", "a", "b"]).tag != source.tag
    assert SourceKeys(bytes(32)).source("C1", ["C1", "a", "b"]).tag != source.tag


def test_the_current_address_comes_first_for_matching() -> None:
    past = tuple(Residence(lines=f"{n} Marlcombe Road", valid_to=date(2020, 1, n)) for n in range(1, 9))
    entry = replace(WHOLE, residences=(*past, Residence(lines="14 Elderley Lane")))
    addresses = entry.person().addresses
    assert [address.current for address in addresses] == [True] + [False] * 8
    assert addresses[1].lines == "8 Marlcombe Road"
