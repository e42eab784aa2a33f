"""The demonstration on the terminal: each question with its answer and who was told, the summary, and how to go on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from registry_api.cli.demo.authority import AUTHORITY, client_path
from registry_api.cli.demo.children import ON_PLAN
from registry_api.cli.demo.played import Played
from registry_api.cli.output import answer_rows, console, day, facts, plain
from registry_api.cli.remote import Refused
from registry_api.cli.to_follow_up import child_said
from registry_api.cli.transferring import receipt_rows

_ROLES = dict(AUTHORITY.members)
_NOBODY = "Nobody had to be told."


def show(number: int, played: Played, due: Mapping[str, str]) -> None:
    """Print one step. ``due``: by when each open consideration is due."""
    step = played.step
    rows = [
        ("Who asks", f"{step.as_whom} of {step.partner.name}"),
        ("Question", _question(step.body)),
        *_answer(played),
        ("In the inbox of", "\n".join(_inbox(played, due)) or _NOBODY),
        ("Not as expected", "" if played.as_expected else _difference(played)),
    ]
    console.print(facts(f"{number}. {step.title} [{', '.join(step.rules)}]", rows))


def _question(body: Mapping[str, Any]) -> str:
    if "child" not in body:
        return ", ".join(f"{plain(name)} {value}" for name, value in body.items())
    child = child_said(body["child"])
    if "reason" in body:
        return f"{child}\n{plain(body['reason'])}, {body['urgency']}: {body['reason_text']}"
    plan = body["plan"]
    return (
        f"{child}\nOn our plan since {day(plan['started_on'])}: {', '.join(plan['categories'])}. "
        f"Moved to you on {day(body['moved_on'])}. Our key worker: {body['key_worker']['name']}, "
        f"{body['key_worker']['phone']}."
    )


def _answer(played: Played) -> list[tuple[str, str]]:
    answer = dict(played.answer)
    if "outcome" in answer:
        rows = [(label, said) for label, said in answer_rows(answer) if label not in ("What to do", "Its worth")]
        again = [("A repeat", "The same answer as before; it counts as one enquiry.")] if played.repeated else []
        return [*again, *rows, ("What to do", " ".join(answer["advice"])), ("Its worth", answer["worth"]["caution"])]
    if "placed_as" in answer:
        return receipt_rows(answer)
    if "status" in answer:
        return [("Answer", str(Refused(answer["status"], answer)))]
    return [("Answer", "Allocated.")]


def _inbox(played: Played, due: Mapping[str, str]) -> list[str]:
    said: dict[str, list[str]] = {}
    for subject, notification in played.notifications:
        why = plain(notification["why_you"])
        by = due.get(notification.get("consideration_id") or "")
        deadline = f" Due on {day(by)}." if by else ""
        said.setdefault(f"{notification['what_it_means']}{deadline}", []).append(
            f"{subject} ({plain(_ROLES[subject])}{'' if why in plain(_ROLES[subject]) else ', ' + why})"
        )
    return [f"{', '.join(whom)}: {what}" for what, whom in said.items()]


def _difference(played: Played) -> str:
    step = played.step
    found = [] if played.got == step.expected else [f"answered {played.got} and not {step.expected}"]
    if played.repeated != step.repeats:
        found.append("taken for a repeat" if played.repeated else "not taken for a repeat")
    found += [f"{subject} was not told: {kind}" for subject, kind in step.told - played.told]
    found += [f"{subject} was told: {kind}" for subject, kind in played.astray]
    return "\n".join(found)


def summarise(played: Sequence[Played]) -> None:
    """Print all steps in a table, a line for each."""
    table = Table(box=box.SIMPLE_HEAD, title=Text("In short", style="bold"), title_justify="left", expand=True)
    table.add_column("", justify="right")
    table.add_column("What", ratio=3)
    for heading in ("Rules", "Answered", "Told"):
        table.add_column(heading, ratio=2, overflow="fold")
    table.add_column("As it should")
    for number, one in enumerate(played, 1):
        whom = sorted({subject for subject, _ in one.told})
        table.add_row(
            str(number),
            Text(one.step.title),
            ", ".join(one.step.rules),
            plain(one.got).replace("-", " "),
            ", ".join(whom) or "nobody",
            "yes" if one.as_expected else "NO",
        )
    console.print(table)


def how_to_go_on(state: Path, base_url: str, *, stays: bool) -> None:
    """Print the commands that come next; each works as it stands."""
    command = ".venv/bin/registry-api"
    police, hospital, authority = (client_path(state, code) for code in ("police", "hospital", "authority"))
    child = ON_PLAN
    up = "The service is up. In another terminal:" if stays else "Run it from a terminal and it stays up. Then:"
    say = console.print
    say(f"\n{up}\n", style="bold", soft_wrap=True)
    for what, line in (
        (
            "An enquiry of your own",
            f"{command} ask --client-file {police} --as officer-1 --given {child.given} --family {child.family} "
            f'--born {child.born} --address "{child.address}" --postcode "{child.postcode}" --reason injury '
            '--text "Bruise on the upper arm." --urgency urgent --call-back "01632 960321"',
        ),
        ("What its key worker finds", f"{command} inbox --client-file {authority} --as kw-01"),
        (
            "What the safeguarding manager decides",
            f"{command} considerations --client-file {authority} --as sm-1",
        ),
        (
            "The same over plain HTTP",
            f"{command} headers --client-file {hospital} --as nurse-1 POST /api/v1/enquiries | "
            f'curl {base_url}/api/v1/enquiries --header @- --json \'{{"child": {{"given_names": '
            f'"{child.given}", "family_name": "{child.family}", "date_of_birth": "{child.born}", "address": {{"lines": '
            f'"{child.address}", "postcode": "{child.postcode}"}}}}, "reason": "injury", "reason_text": "Bruise.", '
            f'"urgency": "urgent", "call_back_number": "01632 960321"}}\'',
        ),
        ("The description of the interface", f"curl {base_url}/openapi.json"),
        ("All tests", "make test"),
    ):
        say(what)
        say(f"  {line}\n", style="green", soft_wrap=True)
    say(f"The register is {state}/register.csv; whoever is in it can be asked about.", soft_wrap=True)
    say(f"To start afresh: rm -r {state}", soft_wrap=True)
