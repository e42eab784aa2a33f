"""The tables that a run prints."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.report import Goal


def share(figure: Mapping[str, float]) -> str:
    """Return a share with its 95 % interval."""
    return f"{figure['value']:.4f} [{figure['low']:.4f}–{figure['high']:.4f}]"


def print_results(results: Mapping[str, Any]) -> None:
    """Print everything that was measured, and what was not and why."""
    console = Console(width=170)
    febrl = Table(title="FEBRL: recall of pairs at precision ≥ .999")
    for title in ("data", "fields", "our scorer", "Splink", "pairs of our own search only"):
        febrl.add_column(title)
    for row in results["febrl"]:
        theirs = share(row["splink"]["recall"]) if "splink" in row else "not run"
        ours = row["ours"]
        febrl.add_row(row["data"], row["fields"], share(ours["recall"]), theirs, share(row["as served"]["recall"]))
    console.print(febrl)
    for run in results["uk"]:
        _print_run(console, run)
    others = Table(title="The other systems, on the frozen seed: the best threshold that each can have")
    for title in ("system", "questions", "recall at precision ≥ .999", "precision there", "p50 / p99 ms", "note"):
        others.add_column(title)
    for row in results["others"]:
        times = f"{row['p50']:.0f} / {row['p99']:.0f}" if "p50" in row else ""
        asked = f"{row['questions']:,}" if "questions" in row else ""
        shares = [share(row[name]) if name in row else "–" for name in ("recall", "precision")]
        others.add_row(row["system"], asked, *shares, times, row.get("note", ""))
    console.print(others)
    for goal in results["goals"]:
        _print_goal(console, Goal(**goal["goal"]), goal["why"])


def _print_run(console: Console, run: Mapping[str, Any]) -> None:
    table = Table(title=f"Hard UK register, seed {run['seed']} ({run['what']})", show_header=False)
    table.add_row("register, known, nobody", f"{run['size']:,}, {run['known']:,}, {run['nobody']:,}")
    for name, figure in run["figures"].items():
        if isinstance(figure, dict) and "hits" in figure:
            table.add_row(name, f"{share(figure)}  {figure['hits']:,} of {figure['of']:,}")
    console.print(table)
    kinds = Table(title="What is answered, by kind of question")
    for title in ("kind", "match", "possible", "none"):
        kinds.add_column(title)
    for kind, bands in run["figures"]["kinds"].items():
        kinds.add_row(kind, *(f"{bands.get(band, 0.0):.4f}" for band in ("match", "possible", "none")))
    console.print(kinds)
    groups = Table(title="By origin of the name")
    for title in ("origin", "recall", "precision", "missed"):
        groups.add_column(title)
    for origin, figures in run["figures"]["groups"].items():
        groups.add_row(origin, *(share(figures[name]) for name in ("recall", "precision", "missed")))
    console.print(groups)
    second = Table(title="Second enquiries (ENQ-7): pairs that are taken to be about one child, and are or are not")
    for title in ("pair", "of all", "least and most, by origin of the name"):
        second.add_column(title)
    for kind, by in run["second enquiries"].items():
        values = [figure["value"] for origin, figure in by.items() if origin != "all"]
        second.add_row(kind, share(by["all"]), f"{min(values):.3f} – {max(values):.3f}")
    console.print(second)
    bins = Table(title="Calibration: of candidates with this posterior, so many are the child")
    for title in ("posterior", "mean said", "share right", "candidates"):
        bins.add_column(title)
    for row in run["figures"]["calibration"]:
        bins.add_row(f"{row['from']:.3f}–{row['to']:.3f}", f"{row['said']:.4f}", share(row), f"{row['of']:,}")
    console.print(bins)


def _print_goal(console: Console, goal: Goal, why: str) -> None:
    bound = f"{'≥' if goal.at_least else '≤'} {goal.wanted:g}"
    standing = "met" if goal.is_met else f"missed: {why}" if why else "missed"
    console.print(f"{goal.name}: {goal.value:.4f} (goal {bound}) {standing}")
