"""A register that is hard to match against: whole households, with brothers, sisters and twins, of many origins.

Promises: the same from the same seed; nobody who could be a real person (invented streets, postcodes that are not in
use, NHS numbers beginning 999). Names follow a long tail as real ones do: the pools of the service's own synthesis are
drawn from by rank, and about a fifth are coined from pieces of names of the same origin, so that no list knows them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from registry_api.matching.person import Address, Name, Person
from registry_api.register.draws import Draws, Parent, borne
from registry_api.register.name_pools import Origin

TODAY = date(2026, 11, 1)

ORIGINS = (
    "English", "Norman", "Irish", "Scottish", "Welsh", "French", "Portuguese", "Polish", "Romanian",
    "Pakistani and Bangladeshi", "Indian", "Arabic", "West African", "East African", "Chinese", "Filipino", "Turkish",
)  # fmt: skip
"""The origins of the pools, in their order."""

COINED_FAMILY, COINED_GIVEN = 0.22, 0.12
"""Shares of names that no pool knows."""

TWIN_BIRTHS = 0.03
BLENDED = 0.2
DOUBLE_BARRELLED = 0.07
MOVED = 0.45
UNBORN = 0.02
SECOND_GIVEN = 0.45
ALIAS = 0.12


@dataclass(frozen=True, slots=True)
class Home:
    """A household: what its children have in common. ``english``: it lives in England, where NHS numbers are."""

    origin: str
    pool: Origin
    english: bool
    mother: Name
    mother_born: date
    fathers: tuple[Parent, ...]
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Child:
    """One child, and the household; ``twin_of``: the number of an elder twin in the same register, else None."""

    person: Person
    home: Home
    twin_of: int | None = None


class Population(Draws):
    """Draws households and children."""

    def __init__(self, seed: int) -> None:
        """``seed`` decides everything."""
        super().__init__(Random(seed), TODAY)
        self._names = {id(o): name for o, name in zip(self.pools.origins, ORIGINS, strict=True)}
        self._english = [o.england + 2 for o in self.pools.origins]
        self._jersey = [o.jersey + 1 for o in self.pools.origins]

    def ranked(self, words: tuple[str, ...]) -> str:
        """Return a word, the first ones of a pool much oftener than the last."""
        weights = list(accumulate(1 / (rank + 4) for rank in range(len(words))))
        return self.random.choices(words, cum_weights=weights)[0]

    def given(self, origin: Origin, sex: str) -> str:
        """Return a given name."""
        pool = origin.girls if sex == "f" else origin.boys
        return self.coined(pool) if self.chance(COINED_GIVEN) else self.ranked(pool)

    def family_name(self, origin: Origin) -> str:
        """Return a family name, in the form that men bear."""
        return self.coined(origin.families) if self.chance(COINED_FAMILY) else self.ranked(origin.families)

    def coined(self, pool: tuple[str, ...]) -> str:
        """Return a name made of the beginning of one and the end of another, as names nobody has listed are."""
        for _ in range(20):
            one, other = self.random.choice(pool), self.random.choice(pool)
            if " " in one or " " in other or len(one) < 4 or len(other) < 4:
                continue
            vowels = [i for i, c in enumerate(one) if c.lower() in "aeiouyáéíóúãăâîôêèëöü" and 1 < i < len(one)]
            ends = [i for i, c in enumerate(other) if c.lower() in "aeiouyáéíóúãăâîôêèëöü" and 0 < i < len(other) - 1]
            if vowels and ends:
                name = one[: vowels[0]] + other[ends[-1] :]
                if 3 < len(name) < 13:
                    return name
        return self.random.choice(pool)

    def home(self, *, at: tuple[Address, ...] | None = None) -> Home:
        """Return a household."""
        english = self.chance(0.8)
        origin = self.random.choices(self.pools.origins, self._english if english else self._jersey)[0]
        father_origin = origin if self.chance(0.85) else self.random.choices(self.pools.origins, self._english)[0]
        fathers = [Parent(father_origin, "", self.family_name(father_origin))]
        if self.chance(BLENDED):
            fathers.append(Parent(origin, "", self.family_name(origin)))
        mother = Parent(origin, self.given(origin, "f"), self.family_name(origin))
        family = mother.family if self.chance(0.45) else fathers[-1].family
        addresses = [self.place(english, current=True)]
        while self.chance(MOVED) and len(addresses) < 4:
            addresses.append(self.place(english, current=False))
        return Home(
            self._names[id(origin)],
            origin,
            english,
            Name(mother.given, borne(mother, family)),
            self.days_ago(19 * 365, 48 * 365),
            tuple(fathers),
            at or tuple(addresses),
        )

    def place(self, english: bool, *, current: bool) -> Address:
        """Return an address."""
        lines, postcode = self.address(english)
        uprn = f"9999{self.random.randrange(10**8):08d}" if english and self.chance(0.3) else ""
        return Address(lines, postcode, uprn, current)

    def child(self, home: Home, born: date | None, taken: set[str], *, surname: str = "", nhs: bool = True) -> Person:
        """Return a child of ``home``; ``taken``: given names of brothers and sisters. No ``born``: not yet."""
        father = self.random.choice(home.fathers)
        sex = self.random.choice("fm")
        given = self.given(home.pool, sex)
        while given in taken:
            given = self.given(home.pool, sex)
        taken.add(given)
        family = surname or self.child_family(home, father)
        family = borne(father, family) if sex == "f" else family
        if born is None:
            names: tuple[Name, ...] = (Name("", home.mother.family),)
        else:
            second = self.given(home.pool, sex)
            full = f"{given} {second}" if second != given and self.chance(SECOND_GIVEN) else given
            names = (Name(full, family),)
            if self.chance(ALIAS):
                short = self.pools.nicknames.get(given, "")
                names += (Name(short or given, home.mother.family),)
        return Person(
            names=names,
            date_of_birth=born,
            expected_delivery=None if born else TODAY + timedelta(days=self.random.randint(5, 210)),
            mother=(home.mother,) if self.chance(0.85) or born is None else (),
            mother_date_of_birth=home.mother_born if self.chance(0.6) else None,
            sex=sex if born and self.chance(0.97) else "",
            nhs_number=self.nhs_number() if born and home.english and nhs and self.chance(0.85) else "",
            addresses=home.addresses,
        )

    def child_family(self, home: Home, father: Parent) -> str:
        """Return the family name that a child of these parents bears, in the form of men."""
        mother = Parent(home.pool, home.mother.given, home.mother.family)
        if father.origin.two_families and self.chance(0.6):
            return f"{mother.family} {father.family}"
        if self.chance(DOUBLE_BARRELLED):
            return f"{mother.family}-{father.family}"
        return mother.family if self.chance(0.2) else father.family

    def birthday(self) -> date:
        """Return a day on which a child of today was born, more of them lately than long ago."""
        return self.days_ago(0, self.random.choice((4, 8, 12, 17, 17)) * 365)


def register(population: Population, size: int) -> list[Child]:
    """Return a register of ``size`` children, household by household."""
    children: list[Child] = []
    for child in _households(population):
        if len(children) == size:
            break
        children.append(child if child.twin_of is None else replace(child, twin_of=len(children) - 1))
    return children


def _households(draw: Population) -> Iterator[Child]:
    while True:
        home, taken = draw.home(), set[str]()
        born: date | None = None if draw.chance(UNBORN) else draw.birthday()
        for _ in range(draw.random.choice((1, 1, 1, 2, 2, 2, 3, 3, 4, 5))):
            first = draw.child(home, born, taken)
            yield Child(first, home)
            if born is None:
                break
            if draw.chance(TWIN_BIRTHS):
                yield Child(draw.child(home, born, taken, surname=first.names[0].family), home, 0)
            born += timedelta(days=draw.random.randint(330, 1700))
            if born > TODAY:
                break
