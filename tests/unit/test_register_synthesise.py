"""Synthetic registers: repeatable, importable without a finding, nobody's, and hard where matching is hard."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from policies.profile import load_profile
from registry_api.matching.record import valid_nhs_number
from registry_api.register.csv_format import COLUMNS, read_rows
from registry_api.register.csv_row import References, parse
from registry_api.register.rules import faults
from registry_api.register.synthesise import synthesise, write_csv

TODAY = date(2026, 3, 2)
STAFF, MANAGERS = ("kw-1", "kw-2"), ("tm-1",)

Rows = list[dict[str, str]]


def make(seed: int, on_plan: int, open_cases: int, closed_cases: int) -> Iterator[dict[str, str]]:
    return synthesise(
        seed,
        on_plan=on_plan,
        open_cases=open_cases,
        closed_cases=closed_cases,
        staff=STAFF,
        managers=MANAGERS,
        today=TODAY,
    )


@pytest.fixture(scope="module")
def register() -> Rows:
    return list(make(1, 400, 1200, 2400))


@pytest.fixture(scope="module")
def households(register: Rows) -> list[Rows]:
    by_household: dict[str, Rows] = defaultdict(list)
    for row in register:
        by_household[row["household_id"]].append(row)
    return list(by_household.values())


def test_the_same_seed_gives_the_same_register_and_another_seed_another() -> None:
    assert list(make(5, 20, 20, 20)) == list(make(5, 20, 20, 20)) != list(make(6, 20, 20, 20))


@pytest.mark.parametrize("wanted", [(7, 0, 0), (0, 7, 0), (0, 0, 7), (3, 11, 2), (0, 0, 0)])
def test_there_are_as_many_of_each_as_were_asked_for(wanted: tuple[int, int, int]) -> None:
    rows = list(make(2, *wanted))
    on_plan = sum(bool(row["plan_start"]) and not row["plan_end"] for row in rows)
    closed = sum(bool(row["case_closed"]) for row in rows)
    assert (on_plan, len(rows) - on_plan - closed, closed) == wanted
    assert len({row["record_id"] for row in rows}) == len(rows)


def test_every_row_may_stand_on_the_register_of_any_authority(register: Rows, tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    told: list[int] = []
    assert write_csv(path, register, told.append) == len(register) == told[-1]
    references = References(dict.fromkeys((*STAFF, *MANAGERS), UUID(int=1)), {})
    profiles = [load_profile(code) for code in ("jersey", "hertfordshire", "north_yorkshire")]
    with path.open("rb") as file:
        for row, made in zip(read_rows(file), register, strict=True):
            assert dict(zip(COLUMNS, row.cells, strict=True)) == made
            entry, found = parse(row, references)
            assert entry is not None, found
            assert [faults(entry, profile, TODAY) for profile in profiles] == [[], [], []]


def test_nobody_can_be_a_real_person(register: Rows) -> None:
    for row in register:
        assert row["postcode"][:2] in ("ZX", "QX") or row["postcode"][:3] in ("JE5", "JE6", "JE7", "JE8", "JE9")
        number = row["nhs_number"]
        assert not number or (number.startswith("999") and valid_nhs_number(number))
        assert not row["uprn"] or row["uprn"].startswith("9999")
    jersey = [row for row in register if row["postcode"].startswith("JE")]
    assert 0.4 < len(jersey) / len(register) < 0.9
    assert not any(row["nhs_number"] for row in jersey)


def test_twins_share_birthday_home_and_family_name_and_not_the_given_name(households: list[Rows]) -> None:
    twins = [
        [row for row in rows if row["date_of_birth"] == day]
        for rows in households
        for day, born in Counter(row["date_of_birth"] for row in rows).items()
        if day and born > 1
    ]
    assert 0.015 < sum(map(len, twins)) / sum(map(len, households)) < 0.06
    for first, second, *_ in twins:
        assert first["address"] == second["address"]
        assert first["given_names"].split()[0] != second["given_names"].split()[0]
        assert first["family_name"][:3] == second["family_name"][:3]  # Kowalski and Kowalska


def test_households_are_blended_and_people_move_change_names_and_are_not_yet_born(households: list[Rows]) -> None:
    several = [rows for rows in households if len(rows) > 1]
    blended = [rows for rows in several if len({row["family_name"][:3] for row in rows if row["date_of_birth"]}) > 1]
    assert 0.03 < len(blended) / len(several) < 0.3
    rows = [row for household in households for row in household]

    def share(column: str) -> float:
        return sum(bool(row[column]) for row in rows) / len(rows)

    assert 0.15 < share("previous_addresses") < 0.5
    assert 0.05 < share("other_names") < 0.3
    assert 0 < share("expected_delivery_date") < 0.05
    assert any("stepfather" in row["household_members"] for row in rows)
    assert any("-" in row["family_name"] for row in rows)
    assert any(row["address"].startswith("Flat ") for row in rows)
    assert any(not row["key_worker"] for row in rows if not row["case_closed"])


def test_some_share_their_name_and_even_the_birth_year_with_a_child_elsewhere(register: Rows) -> None:
    homes: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in register:
        if row["date_of_birth"]:
            name = row["given_names"].split()[0], row["family_name"], row["date_of_birth"][:4]
            homes[name].add(row["household_id"])
    assert sum(len(found) > 1 for found in homes.values()) > 20
