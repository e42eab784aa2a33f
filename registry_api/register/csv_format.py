"""The format of an import file: what its columns mean, and how a row becomes an entry (docs/import.md).

Promises: a file that is not what it claims to be ends in ``FileFault`` with the line and a reason, a row that does
not make sense in faults, neither of which repeats a value; nothing here holds more than one row at a time.
"""

import csv
import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from registry_api.register.rules import Fault, Reason

COLUMNS: Final = (
    "record_id",
    "given_names",
    "family_name",
    "other_names",
    "date_of_birth",
    "expected_delivery_date",
    "sex",
    "place_of_birth",
    "mother_given_names",
    "mother_family_name",
    "mother_date_of_birth",
    "nhs_number",
    "household_id",
    "address",
    "postcode",
    "uprn",
    "address_from",
    "previous_addresses",
    "household_members",
    "case_opened",
    "case_closed",
    "key_worker",
    "team_manager",
    "plan_kind",
    "plan_categories",
    "plan_start",
    "plan_end",
    "responsible_authority",
    "other_key_worker",
    "other_key_worker_phone",
    "looked_after",
    "missing_since",
    "restricted",
)
"""All of them stand in the header, in any order: a column left out by mistake would empty that part of each record."""

LONGEST_LINE: Final = 256 * 1024
"""In bytes. A longer one is no row of a register, and is not read further."""
LONGEST_CELL: Final = 4096
NAMELESS: Final = b""
_LONGEST = {"record_id": 64, "household_id": 64, "postcode": 16, "uprn": 12, "nhs_number": 16}


class FileFault(Exception):
    """The file cannot be read past ``line``, so that nobody can say where its rows begin. Nothing of it is loaded."""

    def __init__(self, line: int, reason: Reason, column: str = "") -> None:
        """``column`` is one of ``COLUMNS``, where the fault is one of the header."""
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason, self.column = line, reason, column


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: the line it starts on, its cells in the order of ``COLUMNS``, and what is wrong with its shape."""

    line: int
    cells: tuple[str, ...]
    faults: tuple[Fault, ...] = ()

    @property
    def record_id(self) -> str:
        """The authority's own identifier, or "" where it is not one that may be shown."""
        return self.cells[0] if self.cells and is_identifier(self.cells[0]) else ""

    @property
    def name(self) -> bytes:
        """Sixteen bytes that stand for the identifier, or ``NAMELESS``."""
        return hashlib.blake2b(self.record_id.encode(), digest_size=16).digest() if self.record_id else NAMELESS


def survey(file: BinaryIO, columns: Sequence[str] = COLUMNS) -> tuple[int, set[bytes]]:
    """Read a whole file once: how many rows it has, and the ``name`` of each record that stands in it repeatedly.

    Raises FileFault where it cannot be read, or has no rows.
    """
    seen: set[bytes] = set()
    repeated: set[bytes] = set()
    rows = 0
    for row in read_rows(file, columns):
        rows += 1
        (repeated if row.name in seen else seen).add(row.name)
    if not rows:
        raise FileFault(1, Reason.FILE_EMPTY)
    return rows, repeated - {NAMELESS}


def read_rows(file: BinaryIO, columns: Sequence[str] = COLUMNS) -> Iterator[CsvRow]:
    """Read a file from where it stands, row by row.

    Cells come trimmed and in Unicode's composed form (NFC), so that the same row saved by another program is the
    same row. Empty lines are passed over.

    Raises:
        FileFault: not UTF-8, not well-formed CSV (RFC 4180), a line without end, or a wrong header.
    """
    reader = csv.reader(_lines(file), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise FileFault(1, Reason.FILE_EMPTY)
        order = _order(header, columns)
        end = reader.line_num
        for cells in reader:
            start, end = end + 1, reader.line_num
            if not cells:
                continue
            if len(cells) != len(order):
                yield CsvRow(start, (), (Fault("", Reason.CELL_COUNT),))
                continue
            clean = tuple(_clean(cells[position]) for position in order)
            yield CsvRow(start, clean, tuple(_shape(clean, columns)))
    except csv.Error as error:
        raise FileFault(reader.line_num, Reason.FILE_NOT_CSV) from error


def _lines(file: BinaryIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            raise FileFault(number, Reason.LINE_TOO_LONG)
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            # Not "from": that error holds the bytes.
            raise FileFault(number, Reason.FILE_NOT_UTF8) from None


def _order(header: list[str], columns: Sequence[str]) -> tuple[int, ...]:
    names = [name.strip() for name in header]
    if set(names) - set(columns):
        # Its name is not repeated: in a file without a header it would be somebody's.
        raise FileFault(1, Reason.COLUMN_UNKNOWN)
    for column in columns:
        if names.count(column) != 1:
            raise FileFault(1, Reason.COLUMN_ONCE, column)
    return tuple(map(names.index, columns))


def _clean(cell: str) -> str:
    return cell.strip() if cell.isascii() else unicodedata.normalize("NFC", cell).strip()


def _shape(cells: tuple[str, ...], columns: Sequence[str]) -> Iterator[Fault]:
    for column, cell in zip(columns, cells, strict=True):
        if len(cell) > _LONGEST.get(column, LONGEST_CELL):
            yield Fault(column, Reason.TOO_LONG)
        elif not cell.isprintable() and any(unicodedata.category(sign) == "Cc" for sign in _unfolded(column, cell)):
            yield Fault(column, Reason.CONTROL_CHARACTER)


def _unfolded(column: str, cell: str) -> str:
    # Systems export the lines of an address as lines.
    return cell.replace("\r\n", "\n").replace("\n", " ") if column in ("address", "previous_addresses") else cell


def is_identifier(text: str) -> bool:
    """Return whether ``text`` can name a record: then it may be shown in a report."""
    return 0 < len(text) <= 64 and text.isascii() and text.replace("-", "").replace("/", "").replace("_", "").isalnum()
