"""Files that are not what they claim to be, and rows that make no sense: each is named, none is repeated."""

import csv
import io
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.profile import Category
from registry_api.matching.person import Name
from registry_api.register.csv_format import COLUMNS, LONGEST_LINE, CsvRow, FileFault, read_rows
from registry_api.register.csv_row import References, parse
from registry_api.register.entry import HouseholdPerson, OtherKeyWorker, PlanKind, Relationship, Residence
from registry_api.register.rules import Fault, Reason

REFERENCES = References({"kw-1": UUID(int=1), "tm-1": UUID(int=2)}, {"elsewhere": UUID(int=3)})
HEADER = ",".join(COLUMNS)
WHOLE = {
    "record_id": "C-1/a_2",
    "given_names": "Testa Secunda",
    "family_name": "Synthetica",
    "other_names": "Tess|Synthetica; Testa|Formerly",
    "date_of_birth": "2018-05-04",
    "sex": "F",
    "place_of_birth": "Nowhere",
    "mother_given_names": "Mater",
    "mother_family_name": "Synthetica",
    "mother_date_of_birth": "1990-01-02",
    "nhs_number": "999 000 0018",
    "household_id": "H1",
    "address": "Flat 2, 14 Elderley Lane",
    "postcode": "ZX1 4QP",
    "uprn": "999900000001",
    "address_from": "2024-02-01",
    "previous_addresses": "3 Marlcombe Road|ZX2 1AB|2020-01-01|2024-02-01; 9 Otterford Way||| 2020-01-01;",
    "household_members": "Mater Synthetica|Mother; Alius Quidam|parent's partner",
    "case_opened": "2025-01-06",
    "key_worker": "kw-1",
    "team_manager": "tm-1",
    "plan_kind": "temporary",
    "plan_categories": "neglect; Emotional",
    "plan_start": "2025-02-03",
    "responsible_authority": "elsewhere",
    "other_key_worker": "Altera Operaria",
    "other_key_worker_phone": "01632 960123",
    "looked_after": "yes",
    "missing_since": "2026-01-01",
    "restricted": "true",
}


def csv_bytes(*rows: dict[str, str], header: tuple[str, ...] = COLUMNS) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, header, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def read(data: bytes) -> list[CsvRow]:
    return list(read_rows(io.BytesIO(data)))


def faults_of(**cells: str) -> list[Fault]:
    (row,) = read(csv_bytes(WHOLE | cells))
    return parse(row, REFERENCES)[1]


@pytest.mark.rule("REG-2")
def test_a_whole_row_becomes_a_whole_entry() -> None:
    (row,) = read(csv_bytes(WHOLE))
    entry, faults = parse(row, REFERENCES)
    assert faults == []
    assert entry is not None
    child = entry.identity
    assert child.names == (Name("Testa Secunda", "Synthetica"), Name("Tess", "Synthetica"), Name("Testa", "Formerly"))
    assert (child.record_id, child.household_id) == ("C-1/a_2", "H1")
    assert (child.date_of_birth, child.sex) == (date(2018, 5, 4), "f")
    assert (child.mother, child.mother_date_of_birth) == ((Name("Mater", "Synthetica"),), date(1990, 1, 2))
    assert (child.nhs_number, child.place_of_birth) == ("9990000018", "Nowhere")
    assert entry.residences == (
        Residence(
            lines="Flat 2, 14 Elderley Lane", postcode="ZX1 4QP", uprn="999900000001", valid_from=date(2024, 2, 1)
        ),
        Residence(lines="3 Marlcombe Road", postcode="ZX2 1AB", valid_from=date(2020, 1, 1), valid_to=date(2024, 2, 1)),
        Residence(lines="9 Otterford Way", valid_to=date(2020, 1, 1)),
    )
    assert entry.household == (
        HouseholdPerson("Mater Synthetica", Relationship.MOTHER),
        HouseholdPerson("Alius Quidam", Relationship.PARENTS_PARTNER),
    )
    (case,) = entry.cases
    assert (case.opened_on, case.key_worker_id, case.team_manager_id) == (date(2025, 1, 6), UUID(int=1), UUID(int=2))
    (plan,) = entry.plans
    assert (plan.kind, plan.categories) == (PlanKind.TEMPORARY, (Category.NEGLECT, Category.EMOTIONAL))
    assert plan.responsible_organisation_id == UUID(int=3)
    assert plan.other_key_worker == OtherKeyWorker("Altera Operaria", "01632 960123")
    assert (entry.looked_after, entry.missing_since, entry.restricted) == (True, date(2026, 1, 1), True)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        pytest.param(b"", 1, Reason.FILE_EMPTY, id="empty"),
        pytest.param(HEADER.encode("utf-16"), 1, Reason.FILE_NOT_UTF8, id="UTF-16"),
        pytest.param(f"{HEADER}\nZoë".encode("latin-1"), 2, Reason.FILE_NOT_UTF8, id="Latin-1"),
        pytest.param(b"C1,Testa,Synthetica,2018-05-04\n", 1, Reason.COLUMN_UNKNOWN, id="no header"),
        pytest.param(f"{HEADER},favourite_colour\n".encode(), 1, Reason.COLUMN_UNKNOWN, id="unknown column"),
        pytest.param(HEADER.replace(",sex", "").encode(), 1, Reason.COLUMN_ONCE, id="missing column"),
        pytest.param(f"{HEADER},sex".encode(), 1, Reason.COLUMN_ONCE, id="column twice"),
        pytest.param(HEADER.encode() + b"\n" + b"x" * 1_000_000, 2, Reason.LINE_TOO_LONG, id="endless line"),
        pytest.param(HEADER.encode() + b'\nC1,"Testa\nC2\nC3\n', 4, Reason.FILE_NOT_CSV, id="unclosed quote"),
        pytest.param(HEADER.encode() + b'\nC1,"Testa"x,\n', 2, Reason.FILE_NOT_CSV, id="text after a quote"),
        pytest.param(HEADER.encode() + b"\rC1\rC2\r", 1, Reason.FILE_NOT_CSV, id="lines ended as on old Macs"),
        pytest.param(
            HEADER.encode() + b'\n"' + b"a" * 100_000 + b"\n" + b"a" * 100_000, 3, Reason.FILE_NOT_CSV, id="huge cell"
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(data: bytes, line: int, reason: Reason) -> None:
    with pytest.raises(FileFault) as caught:
        read(data)
    assert (caught.value.line, caught.value.reason) == (line, reason)
    assert str(caught.value) == f"line {line}: {reason}"


def test_a_missing_column_is_named_and_an_unknown_one_is_not_repeated() -> None:
    with pytest.raises(FileFault) as missing:
        read(HEADER.replace(",uprn", "").encode())
    assert missing.value.column == "uprn"
    with pytest.raises(FileFault) as unknown:
        read(b"Testa,Synthetica\n")
    assert unknown.value.column == ""


def test_the_same_row_is_the_same_however_the_file_was_saved() -> None:
    accented = WHOLE | {"given_names": "Zoë"}
    plain = csv_bytes(accented)
    (row,) = read(plain)
    shuffled = csv_bytes(accented, header=tuple(reversed(COLUMNS)))
    decomposed = csv_bytes(WHOLE | {"given_names": "Zoe\N{COMBINING DIAERESIS}"})
    padded = csv_bytes({column: f" {cell} " for column, cell in accented.items()})
    for data in (b"\xef\xbb\xbf" + plain, plain.replace(b"\r\n", b"\n"), shuffled, decomposed, padded):
        assert read(data) == [row]


def test_rows_know_the_line_they_start_on() -> None:
    two_lines = WHOLE | {"address": "14 Elderley Lane\r\nNether Quorley"}
    rows = read(csv_bytes(two_lines, WHOLE) + b"\r\n\r\n" + csv_bytes(WHOLE).split(b"\r\n", 1)[1])
    assert [row.line for row in rows] == [2, 4, 7]
    assert parse(rows[0], REFERENCES)[0].residences[0].lines == "14 Elderley Lane, Nether Quorley"


def test_a_ragged_row_is_refused_and_the_next_one_read() -> None:
    rows = read(csv_bytes(WHOLE).replace(b",true", b"") + csv_bytes(WHOLE).split(b"\r\n", 1)[1])
    assert [parse(row, REFERENCES)[1] for row in rows] == [[Fault("", Reason.CELL_COUNT)], []]
    assert rows[0].record_id == ""


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"record_id": ""}, Fault("record_id", Reason.NEEDED)),
        ({"record_id": "Testa Synthetica"}, Fault("record_id", Reason.NOT_AN_IDENTIFIER)),
        ({"given_names": "Tes\0ta"}, Fault("given_names", Reason.CONTROL_CHARACTER)),
        ({"given_names": "Tes\nta"}, Fault("given_names", Reason.CONTROL_CHARACTER)),
        ({"family_name": "S" * 5000}, Fault("family_name", Reason.TOO_LONG)),
        ({"postcode": "ZX1 4QP and more to come"}, Fault("postcode", Reason.TOO_LONG)),
        ({"date_of_birth": "04/05/2018"}, Fault("date_of_birth", Reason.NOT_A_DATE)),
        ({"date_of_birth": "20180504"}, Fault("date_of_birth", Reason.NOT_A_DATE)),
        ({"date_of_birth": "2018-02-30"}, Fault("date_of_birth", Reason.NOT_A_DATE)),
        ({"sex": "yes"}, Fault("sex", Reason.NOT_ALLOWED)),
        ({"nhs_number": "9990000019"}, Fault("nhs_number", Reason.NHS_NUMBER_INVALID)),
        ({"nhs_number": "0000000000"}, Fault("nhs_number", Reason.NHS_NUMBER_INVALID)),
        ({"uprn": "12a"}, Fault("uprn", Reason.NOT_ALLOWED)),
        ({"uprn": "٣"}, Fault("uprn", Reason.NOT_ALLOWED)),
        ({"other_names": "Tess"}, Fault("other_names", Reason.MALFORMED)),
        ({"other_names": "a|b;" * 51}, Fault("other_names", Reason.TOO_LONG)),
        (
            {"previous_addresses": "3 Marlcombe Road|ZX2 1AB|2020-01-01|"},
            Fault("previous_addresses", Reason.END_NEEDED),
        ),
        ({"previous_addresses": "||2020-01-01|2021-01-01"}, Fault("previous_addresses", Reason.NEEDED)),
        ({"household_members": "Mater|her own words"}, Fault("household_members", Reason.NOT_ALLOWED)),
        ({"household_members": "|mother"}, Fault("household_members", Reason.NEEDED)),
        ({"case_opened": ""}, Fault("case_opened", Reason.NEEDED)),
        ({"key_worker": "kw-2"}, Fault("key_worker", Reason.NOT_KNOWN_HERE)),
        ({"plan_kind": "half"}, Fault("plan_kind", Reason.NOT_ALLOWED)),
        ({"plan_kind": ""}, Fault("plan_kind", Reason.NEEDED)),
        ({"plan_start": ""}, Fault("plan_start", Reason.NEEDED)),
        ({"plan_categories": "unkindness"}, Fault("plan_categories", Reason.NOT_ALLOWED)),
        ({"responsible_authority": "nowhere"}, Fault("responsible_authority", Reason.NOT_KNOWN_HERE)),
        ({"other_key_worker": ""}, Fault("other_key_worker", Reason.NEEDED)),
        ({"looked_after": "maybe"}, Fault("looked_after", Reason.NOT_ALLOWED)),
    ],
)
def test_a_cell_that_makes_no_sense_is_named(cells: dict[str, str], fault: Fault) -> None:
    assert faults_of(**cells) == [fault]


def test_every_cell_that_makes_no_sense_is_named_at_once() -> None:
    found = faults_of(sex="?", date_of_birth="?", key_worker="?")
    assert {fault.column for fault in found} == {"sex", "date_of_birth", "key_worker"}


@given(st.binary(max_size=400))
def test_no_bytes_end_in_anything_but_rows_or_a_file_fault(data: bytes) -> None:
    for start in (b"", HEADER.encode() + b"\n"):
        try:
            rows = read(start + data)
        except FileFault:
            continue
        for row in rows:
            parse(row, REFERENCES)


@given(st.fixed_dictionaries(dict.fromkeys(COLUMNS, st.text(max_size=30))))
def test_no_text_ends_in_anything_but_an_entry_or_faults(cells: dict[str, str]) -> None:
    rows = read(csv_bytes(cells))
    for row in rows:
        entry, faults = parse(row, REFERENCES)
        assert (entry is None) == bool(faults)
        assert all(cell not in str(fault) for fault in faults for cell in cells.values() if len(cell) > 20)


def test_the_longest_line_is_not_read_further() -> None:
    file = io.BytesIO(HEADER.encode() + b"\n" + b"x" * (4 * LONGEST_LINE))
    with pytest.raises(FileFault):
        list(read_rows(file))
    assert file.tell() <= len(HEADER) + 1 + LONGEST_LINE
