"""Blind-index tokens: what a sealed record is found by, without telling what it holds.

A token is 64 bits of HMAC-SHA256 under a key of its own type and version. Every token joins two or more details (or is
nearly unique by itself): a lone surname would give itself away by how often it occurs. The index holds few tokens, the
question carries the variants (a year either side, the second sound of a name, a swapped day and month).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import product
from typing import Any, Final, Literal

from registry_api.matching.address_words import COMMON_STREETS
from registry_api.matching.frequency import family_frequency, given_frequency
from registry_api.matching.names import names_meant, nicknames_of, sounds
from registry_api.matching.record import Record, Words
from registry_api.matching.token_keys import Kind, TokenKeys

RETRIEVAL_LIMIT: Final = 200
"""Candidates fetched at most, those with the highest sum of weights."""

LEAST_WEIGHT: Final = 4.0
"""The sum of weights under which SQL leaves a candidate out: it cannot be a match, and *possible* only at the edge."""

MOST_TOKENS: Final = 120
"""Tokens of one question at most, so that many names and addresses cannot make it dear; a usual one has 20."""

LEAST_SHARE: Final = 0.2
"""The share of the best candidate's sum under which another is not worth opening: beside the best it hardly ever comes
to ``bands.POSSIBLE``. Most of what a question fetches otherwise shares a birthday and nothing else."""

LEAST_AND_MOST: Final = {
    "least_weight": LEAST_WEIGHT,
    "least_share": LEAST_SHARE,
    "most_candidates": RETRIEVAL_LIMIT,
}
"""Where a search ends, as the named values of its statement."""

_HOMES: Final[dict[str, tuple[Kind, Kind, Kind]]] = {
    "home": ("home-uprn", "home-postcode", "home-street"),
    "risk": ("risk-uprn", "risk-postcode", "risk-street"),
}

_MOST_NICKNAMES = 6
_MOST_MEANT = 3

_WEIGHTS: Final[dict[Kind, float]] = {
    "nhs": 7.0,
    "dob": 3.8,
    "name-month": 0.9,
    "name-year-day": 0.9,
    "name-day-month": 0.9,
    "name-postcode": 1.5,
    "name-year": 0.8,
    "names-year": 0.7,
    "name-name": -0.6,
    "postcode-house": 4.0,
    "street-house": 4.0,
    "street-postcode": 1.5,
    "postcode-year": 2.4,
    "mother-fortnight": 0.5,
    "mother-name": -0.6,
    "mother-postcode": 1.5,
}
"""What a token weighs beside the rarity of its names, log10: the best evidence that such a hit can still lead to when
no other token of the question hits. A rare name with a date of birth that is partly right reaches LEAST_WEIGHT, a
common one, a neighbour or a shared birthday does not."""


@dataclass(frozen=True, slots=True)
class QueryTokens:
    """What a question looks for. ``weights``: of each token in turn, log10 units; SQL adds up those that hit. ``pads``:
    what takes the masks off their rows."""

    tokens: list[int]
    weights: list[float]
    pads: list[bytes]

    @property
    def values(self) -> dict[str, Any]:
        """The named values of a statement that looks for it, and for no more than is worth opening."""
        return {"tokens": self.tokens, "weights": self.weights, "pads": self.pads, **LEAST_AND_MOST}


_COMMON_STREET: Final = 2.0
"""What a house number says less in a street that every town has."""

_AGE_NEAR: Final = 0.5
"""What a year of birth says less if the age must be wrong by one for it."""

_Found = dict[tuple[Kind, str], float]
"""Kinds and values of tokens, with what the rarity of its names adds to the weight of each (log10)."""


def index_tokens(record: Record, keys: TokenKeys) -> list[int]:
    """Return the distinct tokens that a register entry, or an earlier enquiry, is found by."""
    found: _Found = {}
    _add_child(found, record, asked=False, version=keys.version)
    _add_places(found, record, _index_years(record))
    _add_mother(found, record, asked=False)
    return list({keys.token(kind, value) for kind, value in found})


def query_tokens(record: Record, keys: TokenKeys) -> QueryTokens:
    """Return what a question looks for, with the weight of each token in log10 units: MOST_TOKENS, the weightiest.

    As many again of each version under which something may still be indexed: a record stands under one of them.
    """
    tokens: list[int] = []
    weights: list[float] = []
    for version in (keys, *keys.outdated):
        found: _Found = {}
        _add_child(found, record, asked=True, version=version.version)
        _add_places(found, record, _asked_years(record))
        _add_mother(found, record, asked=True)
        weighed = [(_WEIGHTS[kind] + rarity, kind, value) for (kind, value), rarity in found.items()]
        if len(weighed) > MOST_TOKENS:
            weighed.sort(reverse=True)
        tokens += [version.token(kind, value) for _, kind, value in weighed[:MOST_TOKENS]]
        weights += [weight for weight, _, _ in weighed[:MOST_TOKENS]]
    return QueryTokens(tokens, weights, [keys.pad(token) for token in tokens])


def address_tokens(
    record: Record, keys: TokenKeys, *, current_only: bool, of: Literal["home", "risk"] = "home"
) -> list[int]:
    """Return the tokens by which a home is found (ENQ-5), whoever lives there; ``same_address`` then confirms.

    ``current_only``: leave out addresses that were left. ``of``: whose index; children's homes and those of people who
    may pose a risk (CUS-1) have keys of their own, so that a copy of both tables does not join them. Only keys that
    single out a home are used.
    """
    addresses = record.addresses[: record.current] if current_only else record.addresses
    found: dict[tuple[Kind, str], None] = {}
    for address in addresses:
        house = address.number or address.name
        if address.uprn:
            found[_HOMES[of][0], str(address.uprn)] = None
        if house and address.postcode:
            found[_HOMES[of][1], f"{address.postcode}|{house}|{address.flat}"] = None
        if house and address.street:
            found[_HOMES[of][2], f"{sounds(address.street)[0]}|{house}|{address.flat}"] = None
    return [keys.token(kind, value) for kind, value in found]


def _add_child(found: _Found, record: Record, *, asked: bool, version: int) -> None:
    """Add the tokens of the child's own names, dates and numbers."""
    names = _codes(record.givens, record.families, asked=asked)
    likely = _index_years(record)
    if record.nhs:
        found["nhs", str(record.nhs)] = 0.0
    if record.born:
        (year, rest), born = divmod(record.born, 10000), record.born
        month, day = divmod(rest, 100)
        found["dob", str(born)] = 0.0
        if asked and day <= 12 and day != month:
            found["dob", str(year * 10000 + day * 100 + month)] = 0.0
        for code, rarity in names.items():
            found["name-month", f"{code}|{born // 100}"] = rarity
            found["name-year-day", f"{code}|{year}|{day}"] = rarity
            found["name-day-month", f"{code}|{min(day, month)}|{max(day, month)}"] = rarity
        years = [] if asked else [year]
    else:
        years = _asked_years(record) if asked else likely
    for code, rarity in names.items():
        # One name and the year are known by how often they occur together: not from version 2 on.
        for one in years if version == 1 else ():
            found["name-year", f"{code}|{one}"] = rarity if one in likely else rarity - _AGE_NEAR
        for postcode in {address.postcode for address in record.addresses if address.postcode}:
            found["name-postcode", f"{code}|{postcode}"] = rarity
    for value, rarity in _pairs(record.givens, record.families, asked=asked):
        found["name-name", value] = rarity
        for one in years if version > 1 else ():
            found["names-year", f"{value}|{one}"] = rarity if one in likely else rarity - _AGE_NEAR


def _add_places(found: _Found, record: Record, years: list[int]) -> None:
    """Add the tokens of each address."""
    for address in record.addresses:
        house = address.number or address.name
        street = sounds(address.street)[0] if address.street else ""
        if address.postcode:
            if house:
                found["postcode-house", f"{address.postcode}|{house}"] = 0.0
            if street:
                found["street-postcode", f"{street}|{address.postcode}"] = 0.0
            for year in years:
                found["postcode-year", f"{address.postcode}|{year}"] = 0.0
        if house and street:
            everywhere = address.street in COMMON_STREETS
            found["street-house", f"{street}|{house}"] = -_COMMON_STREET if everywhere else 0.0


def _add_mother(found: _Found, record: Record, *, asked: bool) -> None:
    """Add the tokens by which an unborn child is found, before and after birth (REG-3)."""
    names = _codes(record.mother_givens, record.mother_families, asked=asked)
    if not names:
        return
    if fortnight := (record.due or _ordinal(record.born)) // 14:
        for code, rarity in names.items():
            for one in range(fortnight - 1, fortnight + 2) if asked else (fortnight,):
                found["mother-fortnight", f"{code}|{one}"] = rarity
    # Only unborn children are indexed by their mother alone: of a born child she finds all the brothers and sisters.
    if record.due or asked:
        for value, rarity in _pairs(record.mother_givens, record.mother_families, asked=asked):
            found["mother-name", value] = rarity
    if record.due:
        for code, rarity in names.items():
            for postcode in {address.postcode for address in record.addresses if address.postcode}:
                found["mother-postcode", f"{code}|{postcode}"] = rarity


def _codes(givens: Iterable[Words], families: Iterable[Words], *, asked: bool) -> dict[str, float]:
    """Return the sounds of given and family names in one pool, so that swapped names meet, and how rare each is."""
    rarities = {word: -given_frequency(word) for words in givens for word in words[:3]}
    if asked:
        rarities |= {name: -given_frequency(name) for words in givens for word in words[:2] for name in _meant(word)}
    rarities |= {word: -family_frequency(word) for words in families for word in _parts(words)}
    codes: dict[str, float] = {}
    for word, rarity in rarities.items():
        for code in sounds(word)[: 2 if asked else 1]:
            codes[code] = min(rarity, codes.get(code, rarity))
    return codes


def _pairs(givens: Iterable[Words], families: Iterable[Words], *, asked: bool) -> Iterable[tuple[str, float]]:
    """Yield given × family sounds, alphabetically so that swapped names meet.

    Only a question looks for nicknames too: were they indexed as well, one common name would be met many times over.
    """
    first: dict[str, float] = {}
    for words in givens:
        for word in words[:2]:
            rarity = -given_frequency(word)
            for other in (word, *((*_meant(word), *_nicknames(word)) if asked else ())):
                first.setdefault(sounds(other)[0], rarity)
    last: dict[str, float] = {}
    for words in families:
        for word in _parts(words):
            for code in sounds(word)[: 2 if asked else 1]:
                last[code] = -family_frequency(word)
    for (a, given_rarity), (b, family_rarity) in product(first.items(), last.items()):
        yield f"{min(a, b)}|{max(a, b)}", given_rarity + family_rarity


def _meant(word: str) -> Words:
    """Return the names that ``word`` is a slip for, if it is none itself and they are few."""
    meant = names_meant(word)
    return tuple(sorted(meant)) if len(meant) <= _MOST_MEANT else ()


@lru_cache(4096)
def _nicknames(word: str) -> Words:
    """Return a few names directly related to ``word``, one for each way they sound, always the same ones."""
    return tuple({sounds(name)[0]: name for name in sorted(nicknames_of(word), reverse=True)}.values())[
        :_MOST_NICKNAMES
    ]


def _parts(family: Words) -> Words:
    """Return the parts of a double-barrelled name, or a single name with and without its particle."""
    return family[1:4] if len(family) > 2 else family


def _ordinal(yyyymmdd: int) -> int:
    return date(yyyymmdd // 10000, yyyymmdd // 100 % 100, yyyymmdd % 100).toordinal() if yyyymmdd else 0


def _index_years(record: Record) -> list[int]:
    """Return the years in which the child can have been born."""
    if record.born:
        return [record.born // 10000]
    if record.age >= 0:
        year = record.age_on // 10000 - record.age
        return [year - 1, year]
    return []


def _asked_years(record: Record) -> list[int]:
    """Return the same with an age taken for one year too low or too high."""
    years = _index_years(record)
    return years if record.born or not years else [years[0] - 1, *years, years[1] + 1]
