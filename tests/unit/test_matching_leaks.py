"""What the token table gives away to somebody who has a copy of it and good statistics of names, and not the keys.

The attack on blind indexes that is known to work goes by rank (Naveed, Kamara, Wright, CCS 2015): the commonest token
is taken for the commonest value, the second for the second, and so on. It is carried out here for each type of token
by itself, which helps the attacker, with statistics drawn from the very population that the register was drawn from.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from random import Random
from typing import NamedTuple
from uuid import UUID

import pytest

from bench.matching.asking import Enquirers
from bench.matching.people import Population, register
from bench.matching.repeats import pairs as repeats
from registry_api.matching.record import Record, record_of
from registry_api.matching.token_keys import TOKEN_VERSION
from registry_api.matching.tokens import Kind, TokenKeys, address_tokens, index_tokens

SIZE = 8000
MOST_RECOVERED = 0.001
"""Of what stands in the table of one type of token, the commoner values counting for as often as they stand there."""

Values = dict[Kind, Counter[str]]


class Telling(TokenKeys):
    """Keys that remember of which kind and value each token was made: what the attacker wants to know."""

    def __init__(self) -> None:
        super().__init__(bytes(range(32)))
        self.made_of: dict[int, tuple[Kind, str]] = {}

    def token(self, kind: Kind, value: str) -> int:
        token = super().token(kind, value)
        self.made_of[token] = (kind, value)
        return token


def records(seed: int) -> list[Record]:
    return [record_of(child.person) for child in register(Population(seed), SIZE)]


def counted(people: list[Record]) -> tuple[Values, Telling]:
    """Return how often each value of each kind stands in the index of these people."""
    keys, values = Telling(), defaultdict[Kind, Counter[str]](Counter)
    for person in people:
        for token in (*index_tokens(person, keys), *address_tokens(person, keys, current_only=True)):
            kind, value = keys.made_of[token]
            values[kind][value] += 1
    return values, keys


def recovered(table: Counter[str], statistics: Counter[str]) -> float:
    """Return the share of rows whose value the attack by rank names rightly; equally common ones it has to guess."""
    chance = Random(1)

    def ranked(counts: Counter[str]) -> list[str]:
        values = list(counts)
        chance.shuffle(values)
        return sorted(values, key=lambda value: -counts[value])

    pairs = zip(ranked(table), ranked(statistics), strict=False)
    return sum(table[real] for real, guess in pairs if real == guess) / table.total()


@pytest.fixture(scope="module")
def table() -> Values:
    return counted(records(201))[0]


@pytest.fixture(scope="module")
def statistics() -> Values:
    return counted(records(202))[0]


def test_the_attack_by_rank_names_hardly_a_value_of_any_type(table: Values, statistics: Values) -> None:
    shares = {kind: recovered(values, statistics[kind]) for kind, values in table.items()}
    assert len(shares) >= 16, "the search itself must find something"
    assert {kind: share for kind, share in shares.items() if share > MOST_RECOVERED} == {}


def test_the_attack_would_succeed_on_a_lone_surname() -> None:
    """A check of the check: what is not done here would be seen."""
    surnames = [Counter(person.families[0][0] for person in records(seed) if person.families) for seed in (201, 202)]
    assert recovered(*surnames) > 3 * MOST_RECOVERED


class Table(NamedTuple):
    """What somebody has who copied the database: an index, and the numbers that its rows lead to; and what is true."""

    rows: dict[int, list[int]]
    """By token, what its rows point to."""
    numbers: list[int]
    pairs: set[tuple[int, int]]
    """Those who have to do with each other, by their numbers: what the attacker wants to know."""


def table_of(found_by: Sequence[Iterable[int]], pairs: Iterable[tuple[int, int]], keys: TokenKeys) -> Table:
    """Return the index of some who are found by these tokens. ``pairs``: of them, by their places."""
    numbers = [keys.number(UUID(int=place)) for place in range(len(found_by))]
    rows = defaultdict[int, list[int]](list)
    for number, tokens in zip(numbers, found_by, strict=True):
        for token, _, pointer in keys.postings(tokens, number):
            rows[token].append(pointer)
    return Table(rows, numbers, {(numbers[one], numbers[other]) for one, other in pairs})


def of_children(version: int) -> Table:
    """Return the index of a register; the pairs are brothers and sisters, twins left out."""
    keys = TokenKeys(bytes(range(32)), version)
    children = register(Population(203), 2000)
    households = defaultdict[int, list[int]](list)
    for place, child in enumerate(children):
        households[id(child.home)].append(place)
    pairs = (
        (one, other)
        for members in households.values()
        for one, other in combinations(members, 2)
        if children[one].person.date_of_birth != children[other].person.date_of_birth
    )
    records = (record_of(child.person) for child in children)
    found_by = [{*index_tokens(one, keys), *address_tokens(one, keys, current_only=False)} for one in records]
    return table_of(found_by, pairs, keys)


def of_enquiries(version: int) -> Table:
    """Return the index of earlier enquiries; the pairs are two about one child, with the slips that people make."""
    keys, draw = TokenKeys(bytes(range(32)), version), Population(204)
    asked = [two for kind, _, *two in repeats(Enquirers(draw), register(draw, 4000), 1000) if kind == "repeat"]
    found_by = [index_tokens(record_of(person), keys) for two in asked for person in two]
    return table_of(found_by, ((place, place + 1) for place in range(0, len(found_by), 2)), keys)


def few(table: Table) -> list[list[int]]:
    """What few share, up to five, an attacker takes for a household, or for one child."""
    return [sharing for sharing in table.rows.values() if 2 <= len(sharing) <= 5]


def linked(table: Table) -> float:
    """Return the share of the pairs whom the index gives away, by what its rows point to."""
    named = {pair for sharing in few(table) for pair in combinations(sharing, 2)}
    return len((named | {(other, one) for one, other in named}) & table.pairs) / len(table.pairs)


each = pytest.mark.parametrize("index", [of_children, of_enquiries], ids=["children", "earlier enquiries"])
Index = Callable[[int], Table]


@each
def test_no_row_of_an_index_links_those_who_have_to_do_with_each_other(index: Index) -> None:
    assert linked(index(TOKEN_VERSION)) == 0


@each
def test_before_there_were_masks_an_index_linked_nearly_all(index: Index) -> None:
    """A check of the check."""
    assert linked(index(2)) > 0.9


@each
def test_no_two_rows_point_alike_and_no_difference_of_two_comes_again(index: Index) -> None:
    """One mask for all rows of a token would leave the XOR of two the same wherever they stand together."""
    table = index(TOKEN_VERSION)
    pointers = [pointer for sharing in table.rows.values() for pointer in sharing]
    assert len(set(pointers)) == len(pointers)
    differences = Counter(one ^ other for sharing in few(table) for one, other in combinations(sharing, 2))
    assert max(differences.values()) == 1
    of_numbers = {one ^ other for one, other in combinations(table.numbers[:1000], 2)}
    assert of_numbers.isdisjoint(differences)
