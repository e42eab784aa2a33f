"""A report as CSV (RFC 4180) that a spreadsheet shows and does not compute."""

import csv
import io
from typing import Final

from registry_api.audit.schemas import DisclosureMade, DisclosureReport

COLUMNS: Final = tuple(DisclosureMade.model_fields)
_BEGIN_FORMULAS: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def cell(value: object) -> str:
    """Return a value as a spreadsheet may have it: what would be taken for a formula begins with an apostrophe.

    After spaces as well, which some trim, and in the full-width forms of those signs (OWASP, CSV injection).
    """
    text = "" if value is None else str(value)
    first = text.lstrip(" \u00a0\ufeff")[:1]
    return f"'{text}" if first in _BEGIN_FORMULAS else text


def written(report: DisclosureReport) -> str:
    """Return the report, a line for each time that somebody looked, below the names of the columns."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for one in report.model_dump(mode="json")["disclosures"]:
        writer.writerow([cell(one[name]) for name in COLUMNS])
    return file.getvalue()
