"""Single draws for synthetic registers: a day, a parent, a family name, an address, an NHS number.

Promises: everything follows from the given generator, so that a seed repeats it; an address has an invented street and
a postcode that is not in use, an NHS number is of the range that is never given out.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from registry_api.register.name_pools import Origin, load_pools

_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
"""Those that the second half of a postcode is made of."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent; ``family`` in the form that men bear."""

    origin: Origin
    given: str
    family: str


class Draws:
    """Draws from the pools."""

    def __init__(self, random: Random, today: date) -> None:
        """``random`` decides everything; ``today`` is what days are counted from."""
        self.random, self.today, self.pools = random, today, load_pools()
        self._weights = {
            english: [origin.england if english else origin.jersey for origin in self.pools.origins]
            for english in (False, True)
        }

    def chance(self, share: float) -> bool:
        """Return whether something that happens in ``share`` of the cases happens in this one."""
        return self.random.random() < share

    def days_ago(self, least: int, most: int) -> date:
        """Return a day from ``least`` to ``most`` days before today."""
        return self.today - timedelta(days=self.random.randint(least, most))

    def between(self, first: date, last: date) -> date:
        """Return a day from ``first`` to ``last``."""
        return first + timedelta(days=self.random.randint(0, max(0, (last - first).days)))

    def origin(self, english: bool) -> Origin:
        """Return where a family's names come from, as they do in Jersey or in England."""
        return self.random.choices(self.pools.origins, self._weights[english])[0]

    def parent(self, origin: Origin, *, girl: bool) -> Parent:
        """Return a parent with names of ``origin``."""
        given = self.random.choice(origin.girls if girl else origin.boys)
        return Parent(origin, given, self.random.choice(origin.families))

    def surname(self, mother: Parent, father: Parent) -> str:
        """Return the family name that the children of one birth bear, in the form of men."""
        if father.origin.two_families and self.chance(0.6):
            return f"{mother.family} {father.family}"
        if self.chance(0.06):
            return f"{mother.family}-{father.family}"
        return mother.family if self.chance(0.15) else father.family

    def address(self, english: bool) -> tuple[str, str]:
        """Return the lines and the postcode of a home; a street has one postcode."""
        country = self.pools.england if english else self.pools.jersey
        place, first, last = (
            self.random.randrange(len(words))
            for words in (country.places, country.street_beginnings, country.street_endings)
        )
        street = f"{country.street_beginnings[first]}{'' if english else ' '}{country.street_endings[last]}"
        number = self.random.randint(1, 90)
        kind = self.random.random()
        if kind < 0.12:
            house = f"Flat {self.random.randint(1, 9)}, {number} {street}"
        elif kind < 0.2:
            house = f"{self.random.choice(country.houses)}, {street}"
        else:
            house = f"{number} {street}"
        district = country.postcodes[place % len(country.postcodes)]
        inward = f"{place % 9 + 1}{_LETTERS[first % 20]}{_LETTERS[last % 20]}"
        return f"{house}, {country.places[place]}", f"{district} {inward}"

    def nhs_number(self) -> str:
        """Return a number of the range 999, which is never given out; its check digit is right (modulus 11)."""
        while True:
            digits = f"999{self.random.randrange(10**6):06d}"
            check = -sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11
            if check < 10:
                return f"{digits}{check}"


def borne(parent: Parent, family: str) -> str:
    """Return a family name as women of that origin bear it."""
    for ending, feminine in parent.origin.feminine.items():
        if family.endswith(ending):
            return family.removesuffix(ending) + feminine
    return family
