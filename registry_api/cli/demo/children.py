"""The children whom the demonstration asks about: a few rows of the register by hand, and one invented for each run."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from registry_api.register.csv_format import COLUMNS

_SYLLABLES = ("quor", "zem", "vash", "brim", "thul", "ond", "ixi", "plo", "wex", "urd", "nym", "gref", "skay", "dro")


@dataclass(frozen=True, slots=True)
class Child:
    """A child of the demonstration. ``standing``: further cells of the import file."""

    given: str
    family: str
    born: date
    address: str
    postcode: str
    standing: dict[str, str] = field(default_factory=dict)

    def asked(self, **more: Any) -> dict[str, Any]:
        """Return the ``child`` part of an enquiry by somebody who knows name, date of birth and address."""
        return {
            "given_names": self.given,
            "family_name": self.family,
            "date_of_birth": self.born.isoformat(),
            "address": {"lines": self.address, "postcode": self.postcode},
            **more,
        }


def _case(key_worker: str, **more: str) -> dict[str, str]:
    return {"case_opened": "2025-10-06", "key_worker": key_worker, "team_manager": "tm-1", **more}


def _plan(key_worker: str, category: str, **more: str) -> dict[str, str]:
    plan = {"plan_kind": "full", "plan_categories": category, "plan_start": "2025-11-03"}
    return {**_case(key_worker), **plan, **more}


ON_PLAN = Child("Quillon", "Demo-Larch", date(2018, 5, 6), "7 Larkspur Rise", "JE5 7QX", _plan("kw-01", "neglect"))
COVERED = Child("Ysolde", "Demo-Rowan", date(2020, 2, 11), "3 Cowslip Bank", "JE5 4QW", _plan("kw-30", "emotional"))
OPEN = Child("Fenwick", "Demo-Sallow", date(2016, 9, 23), "12 Harebell Row", "JE6 8QJ", _case("kw-02"))
CLOSED = Child(
    "Orla-Bea",
    "Demo-Spindle",
    date(2014, 7, 30),
    "41 Teasel Street",
    "JE7 3QT",
    {
        "case_opened": "2022-01-10",
        "case_closed": "2023-03-31",
        "plan_kind": "full",
        "plan_categories": "physical",
        "plan_start": "2022-02-01",
        "plan_end": "2023-01-16",
    },
)
MISSING = Child(
    "Caspian",
    "Demo-Whitebeam",
    date(2012, 12, 4),
    "5 Yarrow Close",
    "JE8 2QP",
    _plan("kw-03", "sexual", missing_since="2026-01-12"),
)
RESTRICTED = Child(
    "Linnet",
    "Demo-Medlar",
    date(2019, 3, 17),
    "28 Betony Lane",
    "JE9 5QH",
    _plan("kw-04", "physical", restricted="yes"),
)
AT_ADDRESS = Child("Jago", "Demo-Quince", date(2021, 8, 2), "16 Saxifrage Hill", "JE6 1QZ", _plan("kw-05", "neglect"))
TWINS = tuple(
    Child(given, "Demo-Bullace", date(2017, 4, 19), "9 Campion Way", "JE7 9QS", _case("kw-07"))
    for given in ("Merla", "Tavi")
)
BY_HAND = (ON_PLAN, COVERED, OPEN, CLOSED, MISSING, RESTRICTED, AT_ADDRESS, *TWINS)


def rows() -> Iterator[dict[str, str]]:
    """Yield the children of the register that were made by hand, as rows of an import file."""
    for number, child in enumerate(BY_HAND, 1):
        yield {
            **dict.fromkeys(COLUMNS, ""),
            "record_id": f"DEMO-{number:02}",
            "given_names": child.given,
            "family_name": child.family,
            "date_of_birth": child.born.isoformat(),
            "household_id": f"DEMO-{child.postcode.replace(' ', '')}",
            "address": child.address,
            "postcode": child.postcode,
            **child.standing,
        }


def unknown_child(today: date) -> Child:
    """Return a child whom nobody has asked about yet: another one at every run, like nobody of the register."""
    chance = random.SystemRandom()

    def word(syllables: int) -> str:
        return "".join(chance.choices(_SYLLABLES, k=syllables)).capitalize()

    return Child(
        given=word(2),
        family=f"Demo-{word(2)}",
        # Old enough that the visitor of the story, 777 days younger, is born as well.
        born=today - timedelta(days=chance.randint(1200, 6000)),
        address=f"{chance.randint(100, 999)} {word(2)} {word(2)} Terrace",
        postcode=f"JE{chance.randint(5, 9)} {chance.randint(1, 9)}{chance.choice('ABD')}{chance.choice('EFG')}",
    )
