"""The table of a benchmark: what was measured, beside its floor and its goals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and what it should be: at least ``wanted``, or at most."""

    name: str
    value: float
    wanted: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        """Whether it is; a figure that was not measured is not."""
        return self.value >= self.wanted if self.at_least else self.value <= self.wanted


_COLUMNS = (
    ("clients", "clients", ",.0f"),
    ("per_second", "enquiries/s", ",.0f"),
    ("floor_per_second", "floor/s", ",.0f"),
    ("of_floor", "÷ floor", ".2f"),
    ("p50", "p50 ms", ".1f"),
    ("p99", "p99 ms", ".1f"),
    ("floor_p50", "floor p50", ".1f"),
    ("floor_p99", "floor p99", ".1f"),
    ("p99_of_floor", "p99 ÷ floor", ".1f"),
    ("workers_cpu", "worker µs", ",.0f"),
    ("rss", "RSS MB", ".0f"),
    ("pss", "PSS MB", ".0f"),
    ("errors", "errors", ".0f"),
)


def print_table(rows: Sequence[Mapping[str, float | str]], goals: Sequence[Goal]) -> None:
    """Print the medians of ``bench.enquiry``, then each goal and whether it is met."""
    print_rows("One enquiry, closed loop; medians of the repeats", "flush", _COLUMNS, rows)
    print_goals("Goals, at 16 clients", goals)


def print_rows(
    title: str, named: str, columns: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, float | str]]
) -> None:
    """Print a table of figures.

    Args:
        title: above it.
        named: what names a row.
        columns: what each figure is called in a row and in the table, and how it is written.
        rows: of figures.
    """
    table = Table(title=title)
    table.add_column(named)
    for _, heading, _ in columns:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(str(row[named]), *(format(float(row[name]), form) for name, _, form in columns))
    Console(width=150).print(table)


def print_goals(title: str, goals: Sequence[Goal]) -> None:
    """Print each goal and whether it is met."""
    aims = Table(title=title)
    for heading in ("figure", "measured", "goal", ""):
        aims.add_column(heading)
    for goal in goals:
        bound = f"{'≥' if goal.at_least else '≤'} {goal.wanted:g}"
        aims.add_row(goal.name, f"{goal.value:.2f}", bound, "met" if goal.is_met else "missed")
    Console(width=150).print(aims)
