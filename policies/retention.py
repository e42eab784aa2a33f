"""How long what an entry of the access log says can be read, by the kind of entry; pure arithmetic of months.

No procedure gives a figure: J-CPA 1.16.13 and HERTS leave it to each agency's own record retention policy. So the
profile holds the authority's own, and a default that rather keeps too long: what was destroyed cannot be had back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final

DEFAULT_MONTHS: Final = 300
"""25 years: whoever was asked about as a newborn is grown up, and has some years in which to ask who looked. It is no
statutory period, and is for the authority to confirm."""

NAMES_NOBODY: Final = frozenset({"payload.erased"})
"""Kinds that say nothing of anybody, and by which the log is checked: they are kept as long as it."""


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many months an entry can be read. ``kinds``: where it is not ``months``, by kind or by its first part."""

    months: int = DEFAULT_MONTHS
    kinds: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def months_of(self, kind: str) -> int:
        """Return the months of a kind: its own, else those of what stands before the dot, else those of all."""
        return self.kinds.get(kind, self.kinds.get(kind.partition(".")[0], self.months))

    def expires_on(self, kind: str, at: datetime) -> date | None:
        """Return the day from which what an entry says is destroyed: the first of the month after its last one.

        A month at a time, because one key is destroyed for all of it. None for what is kept as long as the log.
        """
        return None if kind in NAMES_NOBODY else month_after(at.astimezone(UTC).date(), self.months_of(kind))


def month_after(day: date, months: int = 0) -> date:
    """Return the first day of the month after the one that lies so many months after ``day``."""
    count = day.year * 12 + day.month + months
    return date(count // 12, count % 12 + 1, 1)
