"""Enquiries about the children of a register, and about children who are not on it: the mix is stated here.

A third are by the police, who mostly know an age and not a date of birth; a third by nurses, with most details; the
others by schools and by telephone. All are asked through the same slips, whether the child is on the register or not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bench.matching import slips
from bench.matching.people import TODAY, Child, Population
from registry_api.matching.criteria import least_criteria
from registry_api.matching.person import Address, Name, Person

NOBODY = {"twin": 0.10, "sibling": 0.20, "namesake of one year": 0.15, "namesake of one date": 0.05, "stranger": 0.50}
"""The enquiries that should find nobody, by what makes them hard."""


@dataclass(frozen=True, slots=True)
class Question:
    """One enquiry. ``truth``: the number of the child on the register, None where nobody should be found.

    ``kind``: "known", or a key of NOBODY. ``near``: the number of the child whose twin, sibling or namesake is meant.
    """

    person: Person
    truth: int | None
    kind: str
    origin: str
    near: int | None = None


class Enquirers:
    """Asks, with the slips that people make."""

    def __init__(self, draw: Population) -> None:
        """``draw`` decides everything."""
        self.draw, self.random, self.chance = draw, draw.random, draw.chance

    def known(self, children: list[Child], count: int) -> Iterator[Question]:
        """Yield ``count`` enquiries about children of the register."""
        while count:
            number = self.random.randrange(len(children))
            child = children[number]
            if asked := self.ask(child.person, child.home.origin):
                yield Question(asked, number, "known", child.home.origin)
                count -= 1

    def nobody(self, children: list[Child], count: int) -> Iterator[Question]:
        """Yield ``count`` enquiries about children who are not on the register, mixed as NOBODY says."""
        for kind, share in NOBODY.items():
            left = round(count * share)
            while left:
                number = self.random.randrange(len(children))
                if (made := self._other(kind, children, number)) is None:
                    continue
                if asked := self.ask(made[0], made[1]):
                    yield Question(asked, None, kind, made[1], None if kind == "stranger" else number)
                    left -= 1

    def _other(self, kind: str, children: list[Child], number: int) -> tuple[Person, str] | None:
        """Return a child who is not on the register, and their origin: by ``kind`` somebody near child ``number``."""
        draw, near = self.draw, children[number]
        person, home = near.person, near.home
        born = person.date_of_birth
        if kind == "stranger":
            elsewhere = draw.home()
            return draw.child(elsewhere, draw.birthday(), set()), elsewhere.origin
        if born is None:
            return None
        taken = {name.given.split()[0] for one in _household(children, number) for name in one.names if name.given}
        taken |= {other for name in taken for other in slips.spellings(name)}  # nobody calls two sons Mohammed
        if kind == "twin":
            return self._numbered(draw.child(home, born, taken, surname=_masculine(person)), person), home.origin
        if kind == "sibling":
            other = born + timedelta(days=self.random.choice((-1, 1)) * self.random.randint(290, 2400))
            days = {one.date_of_birth for one in _household(children, number)}
            if other > TODAY or other in days or (TODAY - other).days > 18 * 365:
                return None
            surname = _masculine(person) if self.chance(0.85) else draw.child_family(home, home.fathers[0])
            return self._numbered(draw.child(home, other, taken, surname=surname), person), home.origin
        elsewhere = draw.home()
        day = born if kind.endswith("date") else born.replace(month=self.random.randint(1, 12), day=1)
        if not kind.endswith("date"):
            day += timedelta(days=self.random.randint(0, 27))
            if day == born or day > TODAY:
                return None
        made = draw.child(elsewhere, day, set())
        return replace(made, names=person.names[:1], sex=person.sex), home.origin

    def _numbered(self, child: Person, sibling: Person) -> Person:
        """Give the child, now and then, the NHS number of the brother or sister: from the wrong card."""
        return replace(child, nhs_number=sibling.nhs_number) if self.chance(0.06) else child

    def ask(self, child: Person, origin: str) -> Person | None:
        """Return the child as an enquirer gives it; None if it is too little to be looked for at all."""
        channel = self.random.choices((self._police, self._nurse, self._school, self._caller), (33, 33, 17, 17))[0]
        for _ in range(4):
            asked = channel(child, origin)
            if least_criteria(asked).enough:
                return asked
        return None

    def _police(self, child: Person, origin: str) -> Person:
        """An age more often than not, where the child is met, and no number."""
        asked = self._named(child, origin, 0.28, aliases=0.06)
        if child.date_of_birth and self.chance(0.72):
            years = (TODAY - child.date_of_birth).days // 365.25
            age = int(years) + (self.random.choice((-1, 1)) if self.chance(0.16) else 0)
            asked = replace(asked, date_of_birth=None, age=max(0, age), as_of=TODAY)
        mother = self._mother(child, origin, 0.15, born=0.05)
        return replace(asked, **mother, nhs_number="", addresses=self._places(child, missing=0.03, elsewhere=0.08))

    def _nurse(self, child: Person, origin: str) -> Person:
        """A date of birth, often a number and the mother."""
        asked = self._named(child, origin, 0.14, aliases=0.04)
        mother = self._mother(child, origin, 0.4, born=0.3)
        return replace(
            asked,
            **mother,
            nhs_number=self._number(child, 0.55),
            addresses=self._places(child, missing=0.05, elsewhere=0.10),
        )

    def _school(self, child: Person, origin: str) -> Person:
        """A date of birth and an address from a list; hardly a slip."""
        asked = self._named(child, origin, 0.08, aliases=0.05)
        mother = self._mother(child, origin, 0.5, born=0.05)
        return replace(asked, **mother, nhs_number="", addresses=self._places(child, missing=0.03, elsewhere=0.08))

    def _caller(self, child: Person, origin: str) -> Person:
        """By telephone, over a bad line."""
        asked = self._named(child, origin, 0.4, aliases=0.08)
        mother = self._mother(child, origin, 0.3, born=0.05)
        return replace(
            asked,
            **mother,
            nhs_number=self._number(child, 0.05),
            addresses=self._places(child, missing=0.07, elsewhere=0.10),
        )

    def _named(self, child: Person, origin: str, rate: float, *, aliases: float) -> Person:
        """Give the name, slipping at ``rate`` for each part, and the date of birth."""
        name = self.random.choice(child.names[1:]) if child.names[1:] and self.chance(0.5) else child.names[0]
        given, family = name.given, name.family
        first, *others = given.split() or [""]
        if others and self.chance(0.6):
            given = first
        if self.chance(0.05) and (short := self.draw.pools.nicknames.get(first)):
            given = short
        elif self.chance(rate):
            given = self._slip(given, origin)
        if self.chance(rate):
            family = self._slip(family, origin)
        parts = family.replace("-", " ").split()
        if len(parts) == 2 and min(map(len, parts)) > 3 and self.chance(0.35):
            family = self.random.choice(parts)
        if self.chance(0.04):  # married, adopted, in care
            family = (
                child.mother[0].family
                if child.mother and self.chance(0.5)
                else self.draw.ranked(self.random.choice(self.draw.pools.origins).families)
            )
        if self.chance(0.03):
            given, family = family, given
        if self.chance(0.25):
            given, family = slips.unaccented(given), slips.unaccented(family)
        if self.chance(0.12):
            given, family = given.upper(), family.upper()
        names: tuple[Name, ...] = (Name(given, family),)
        if child.names[1:] and self.chance(aliases * 4):
            names += child.names[1:]
        born, due = child.date_of_birth, child.expected_delivery
        if born and self.chance(0.06):
            born = slips.day_slip(self.random, born)
            born = min(born, TODAY)
        if due and self.chance(0.5):
            due += timedelta(days=self.random.randint(-20, 20))
        sex = child.sex if self.chance(0.9) else ""
        return replace(child, names=names, date_of_birth=born, expected_delivery=due, sex=sex)

    def _slip(self, name: str, origin: str) -> str:
        kind: Callable[[str], str] = self.random.choices(
            (
                lambda text: slips.typed(self.random, text),
                lambda text: slips.heard(self.random, text),
                lambda text: slips.transliterated(self.random, text, origin),
                lambda text: slips.typed(self.random, slips.typed(self.random, text)),
            ),
            (40, 25, 25, 10),
        )[0]
        return kind(name)

    def _mother(self, child: Person, origin: str, share: float, *, born: float) -> dict[str, Any]:
        if not child.mother or not (self.chance(share) or child.expected_delivery):
            return {"mother": (), "mother_date_of_birth": None}
        name = child.mother[0]
        if self.chance(0.15):
            name = Name(self._slip(name.given, origin), name.family)
        if self.chance(0.12):
            name = Name(name.given, self._slip(name.family, origin))
        day = child.mother_date_of_birth if self.chance(born) else None
        return {"mother": (name,), "mother_date_of_birth": day}

    def _number(self, child: Person, share: float) -> str:
        """Give the NHS number, right or mistyped."""
        if not child.nhs_number or not self.chance(share):
            return ""
        if self.chance(0.03):
            return slips.nhs_slip(self.random, child.nhs_number)
        return child.nhs_number

    def _places(self, child: Person, *, missing: float, elsewhere: float) -> tuple[Address, ...]:
        if self.chance(missing) or not child.addresses:
            return ()
        if self.chance(elsewhere):
            former = [address for address in child.addresses if not address.current]
            if former and self.chance(0.6):
                return (self._typed(self.random.choice(former)),)
            return (self._typed(self.draw.place(self.chance(0.8), current=True)),)
        return (self._typed(child.addresses[0]),)

    def _typed(self, address: Address) -> Address:
        kind = self.random.random()
        lines = slips.address_lines(self.random, address.lines)
        code = slips.postcode(self.random, address.postcode)
        if kind < 0.2:
            code = ""
        elif kind < 0.27:
            lines = ""
        elif kind < 0.33:
            lines = slips.typed(self.random, lines)
        return Address(lines, code, address.uprn if self.chance(0.05) else "", current=True)


def _household(children: list[Child], number: int) -> list[Person]:
    home = children[number].home
    return [one.person for one in children[max(0, number - 8) : number + 9] if one.home is home]


def _masculine(person: Person) -> str:
    family = person.names[0].family
    for ending in ("ska", "cka", "dzka"):
        if family.endswith(ending):
            return family[:-1] + "i"
    return family
