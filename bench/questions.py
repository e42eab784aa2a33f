"""The questions of the benchmark: what professionals know of children, of the register's and of others.

Promises: the same seed gives the same questions, no two alike; the mix is ``MIX``; every question is one that the
service accepts. Enquirers leave things out and misspell: about one in six names has a slip of the pen.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from registry_api.enquiries.schemas import EnquiryRequest
from registry_api.matching.criteria import least_criteria

MIX = {"stranger": 0.40, "on_plan": 0.25, "open": 0.25, "closed": 0.06, "vague": 0.04}
"""Who is asked about. ``stranger``: a child without an entry, of the same names and streets. ``vague``: a child with an
entry of whom name, rough age and street are known, which is seldom enough for an answer."""

COUNT = 40_000
_REASONS = ("injury", "neglect", "domestic_abuse", "disclosure", "welfare_check", "emotional_abuse", "other")
_TEXTS = (
    "Seen in the department with a bruise on the upper arm that the account given does not explain.",
    "Reported by a neighbour: shouting at night over several weeks, child seen outside alone after dark.",
    "Child said in class that nobody was at home since the day before and that there was no food.",
    "Attended an address for a domestic incident, children were upstairs, one of them very withdrawn.",
)

Row = dict[str, str]


def write_questions(path: Path, register: Sequence[Row], strangers: Iterable[Row], seed: int, today: date) -> None:
    """Write ``COUNT`` request bodies, one JSON document a line.

    ``register``: the rows that were imported; ``strangers``: as many of children who are not among them.
    """
    random = Random(seed)
    oldest = (today - timedelta(days=17 * 365)).isoformat()
    by_kind: dict[str, list[Row]] = {kind: [] for kind in MIX}
    for row in register:
        if row["date_of_birth"] and row["date_of_birth"] < oldest:
            continue
        by_kind[_kind(row)].append(row)
        if row["date_of_birth"]:
            by_kind["vague"].append(row)
    by_kind["stranger"] = [row for row in strangers if row["date_of_birth"] > oldest]
    for rows in by_kind.values():
        random.shuffle(rows)
    kinds = random.choices(list(MIX), list(MIX.values()), k=COUNT)
    asked = dict.fromkeys(MIX, 0)
    seen: set[str] = set()
    with path.open("w") as file:
        for kind in kinds:
            row = by_kind[kind][asked[kind] % len(by_kind[kind])]
            asked[kind] += 1
            body = json.dumps(_question(random, row, today, _vague if kind == "vague" else _known))
            if body not in seen and _is_enough(body, today):  # nearly always
                seen.add(body)
                file.write(body + "\n")


def _is_enough(body: str, today: date) -> bool:
    return least_criteria(EnquiryRequest.model_validate_json(body).child.as_person(today)).enough


def _kind(row: Row) -> str:
    if row["case_closed"]:
        return "closed"
    return "on_plan" if row["plan_start"] and not row["plan_end"] else "open"


def _question(
    random: Random, row: Row, today: date, child: Callable[[Random, Row, date], dict[str, Any]]
) -> dict[str, Any]:
    return {
        "child": child(random, row, today),
        "reason": random.choice(_REASONS),
        "reason_text": random.choice(_TEXTS),
        "urgency": random.choice(("immediate", "urgent", "routine")),
        "call_back_number": f"01632 960{random.randrange(1000):03d}",
    }


def _known(random: Random, row: Row, today: date) -> dict[str, Any]:
    """Return what somebody with the child, or the child's papers, before them knows."""
    address = {"lines": row["address"], "postcode": row["postcode"] if random.random() < 0.7 else ""}
    mother = {"given_names": row["mother_given_names"], "family_name": row["mother_family_name"]}
    if not row["date_of_birth"]:
        due = row["expected_delivery_date"]
        return {"expected_delivery_date": due, "mother": mother, "address": address}
    child: dict[str, Any] = {
        "given_names": _slip(random, row["given_names"].split()[0]),
        "family_name": _slip(random, row["family_name"]),
    }
    dated = random.random() < 0.85
    if dated:
        child["date_of_birth"] = row["date_of_birth"]
    else:
        child["age_years"] = _age(row, today)
    if not dated or random.random() < 0.6:
        child["address"] = address
    if random.random() < 0.8:
        child["sex"] = {"f": "female", "m": "male"}[row["sex"]]
    if row["nhs_number"] and random.random() < 0.3:
        child["nhs_number"] = row["nhs_number"]
    if random.random() < 0.1:
        child["mother"] = mother
    return child


def _vague(random: Random, row: Row, today: date) -> dict[str, Any]:
    """Return what somebody knows who has heard of the child."""
    return {
        "given_names": _slip(random, row["given_names"].split()[0]),
        "family_name": row["family_name"],
        "age_years": max(0, min(17, _age(row, today) + random.choice((-1, 0, 1)))),
        "address": {"lines": row["address"].split(",")[-1].strip(), "postcode": row["postcode"]},
    }


def _age(row: Row, today: date) -> int:
    return (today - date.fromisoformat(row["date_of_birth"])).days // 366


def _slip(random: Random, name: str) -> str:
    """Return the name, one time in twelve with a letter left out or two swapped."""
    if len(name) < 4 or random.random() > 1 / 12:
        return name
    at = random.randrange(1, len(name) - 1)
    swapped = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name[:at] + name[at + 1 :] if random.random() < 0.5 else swapped
