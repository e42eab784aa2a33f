"""What a person reads on the terminal: an answer, an inbox, a refusal, in plain words and with nothing left out.

Nothing that came from elsewhere is taken for markup.
"""

import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_WIDTH_OF_A_FILE = 100
"""Columns, where the output is not a terminal."""


class Failure(Exception):
    """Ends a command; the message is the whole sentence that the person gets to read."""


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    on_terminal = stream is not None and stream.isatty()
    return Console(
        stderr=stderr, highlight=False, markup=False, emoji=False, width=None if on_terminal else _WIDTH_OF_A_FILE
    )


console = _console(stderr=False)
_errors = _console(stderr=True)


def complain(sentence: str) -> None:
    """Write a failure to standard error."""
    _errors.print(sentence, style="bold red", soft_wrap=True)


def note(sentence: str) -> None:
    """Write something worth knowing to standard error, so that it is never part of a result."""
    _errors.print(sentence, soft_wrap=True)


def progress_bar() -> Progress:
    """Return a bar with a count and the time; it writes to standard error, and nothing where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=_errors, disable=not _errors.is_terminal)


def facts(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    """Return a table of labels and what is to be said under each; rows without anything to say are left out."""
    table = Table(
        box=box.ROUNDED,
        show_header=False,
        show_lines=False,
        expand=True,
        title=Text(title, style="bold"),
        title_justify="left",
    )
    table.add_column(width=18, style="cyan")
    table.add_column(ratio=1, overflow="fold")
    for label, said in rows:
        if said:
            table.add_row(Text(label), Text(said))
    return table


def day(iso: str | None) -> str:
    """Return a date as it is read aloud: 4 March 2026."""
    if not iso:
        return ""
    on = date.fromisoformat(iso)
    return f"{on.day} {on:%B %Y}"


def moment(iso: str | None) -> str:
    """Return a moment in this machine's own time."""
    if not iso:
        return ""
    at = datetime.fromisoformat(iso).astimezone()
    return f"{at.day} {at:%B %Y, %H:%M %Z}"


def plain(code: str) -> str:
    """Return a code as words: ``police_officer`` is a police officer."""
    return code.replace("_", " ")


def person(shown: Mapping[str, Any] | None) -> str:
    """Return a professional with number, role and organisation, as far as they are told."""
    if not shown:
        return ""
    parts = (shown["name"], plain(shown.get("role", "")), shown.get("organisation", ""), shown.get("phone", ""))
    return ", ".join(filter(None, parts)) + (" – away now" if shown.get("away") else "")


def lines(sentences: Iterable[str]) -> str:
    """Return sentences as a list."""
    return "\n".join(f"• {sentence}" for sentence in sentences)


def held_rows(held: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a duty worker reads of an enquiry whose answer is held until its caller has been called back."""
    caller = held["caller"]
    return [
        ("Reference", held["reference"]),
        ("Taken down", moment(held["received_at"])),
        ("Urgency", plain(held["urgency"])),
        ("Caller", f"{caller['name']}, {plain(caller['role'])}, {caller['organisation']}"),
        ("Call back on", lines(f"{number['phone']} ({plain(number['which'])})" for number in held["call_back"])),
        ("Not reached", f"{held['attempts']} times" if held["attempts"] else ""),
        ("What to do", held["what_to_do"]),
    ]


def answer_rows(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return an answer to an enquiry in the order in which it is needed: what is known, whom to call, what to do."""
    return [
        ("Answer", answer["summary"]),
        ("Plan", _plan(answer.get("plan"))),
        ("Missing", "This child is recorded as missing." if answer.get("recorded_as_missing") else ""),
        ("Looked after", "This child is looked after by the authority." if answer.get("looked_after") else ""),
        ("Key worker", person(answer.get("key_worker"))),
        ("Turn to", person(answer.get("point_of_contact"))),
        ("Responsible", _responsible(answer.get("responsible_authority"))),
        ("Known before", _history(answer.get("history"))),
        ("Asked before", _earlier(answer)),
        ("Needed", lines(answer.get("more_information") or ())),
        ("At the address", _household(answer.get("household"))),
        ("Call now", _contact(answer["contact_now"])),
        ("Told", lines(answer["told"])),
        ("What to do", lines(answer["advice"])),
        ("Its worth", _worth(answer["worth"])),
        ("Reference", f"{answer['reference']}, received {moment(answer['received_at'])}"),
        ("Recorded", _recorded(answer.get("receipt"))),
    ]


def _recorded(receipt: str | None) -> str:
    """The receipt is for a program to check; whoever reads is told where in the log it says that they stand."""
    for line in (receipt or "").splitlines():
        if line.startswith("index "):
            return f"As entry {int(line.removeprefix('index ')) + 1:,} of the access log."
    return ""


def _plan(plan: Mapping[str, Any] | None) -> str:
    if not plan:
        return ""
    categories = ", ".join(map(plain, plan["categories"]))
    kind = "Temporary entry" if plan["status"] == "temporary" else "Child protection plan"
    return f"{kind} since {day(plan['since'])}: {categories}. Responsible: {plan['responsible_authority']}."


def _responsible(authority: Mapping[str, Any] | None) -> str:
    if not authority:
        return ""
    reached = f"office hours {authority['office_phone']}, out of hours {authority['out_of_hours_phone']}"
    worker = person(authority.get("key_worker"))
    return "\n".join(filter(None, (f"{authority['name']}: {reached}", worker)))


def _history(history: Mapping[str, Any] | None) -> str:
    if not history:
        return ""
    closed, ended = day(history.get("case_closed_on")), day(history.get("plan_ended_on"))
    return "\n".join(filter(None, (closed and f"Case closed on {closed}.", ended and f"Plan ended on {ended}.")))


def _earlier(answer: Mapping[str, Any]) -> str:
    others = [
        f"{one['organisation']}, {moment(one['received_at'])}, {one['reference']}"
        for one in answer.get("earlier_enquiries") or ()
    ]
    own = answer.get("your_earlier_enquiries")
    if own:
        times = "once" if own["count"] == 1 else f"{own['count']} times"
        others.append(f"By you {times}, last {moment(own['last_received_at'])}, {own['last_reference']}")
    return "\n".join(others)


def _household(household: Mapping[str, Any] | None) -> str:
    if not household:
        return ""
    return "\n".join((f"Children on a plan: {household['children_on_plan']}", *map(person, household["key_workers"])))


def _contact(contact: Mapping[str, Any]) -> str:
    return f"{contact['phone']} ({contact['service']})\n{contact['note']}"


def _worth(worth: Mapping[str, Any]) -> str:
    fresh = worth.get("last_updated_at")
    updated = f", last updated {moment(fresh)}" if fresh else ""
    used = ", ".join(map(plain, worth["details_used"]))
    return f"Register of {worth['register_of']}{updated}. Searched on: {used}.\n{worth['caution']}"
