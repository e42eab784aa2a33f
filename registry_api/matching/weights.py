"""The one table of evidence: how likely each level of agreement is for the same child, a sibling and a stranger.

Fellegi and Sunter, "A Theory for Record Linkage", JASA 64 (1969), with a third hypothesis beside their two: *another
child of the same household*, for twins and siblings agree on nearly everything and are the real hazard. Each row holds
three probabilities of seeing that level; what counts are their ratios, so an auditor can read why a detail weighed
what it did. A detail missing on either side says nothing. Fields are taken as independent given the hypothesis.
"""

from enum import IntEnum
from math import log10
from typing import NamedTuple


class Given(IntEnum):
    """Agreement of given names, best first.

    ``FULL``: the first and further given names agree; ``EXACT``: the first, the others not contradicting it.
    ``SWAPPED``: given and family name stand in each other's place; it speaks for both, and the family name is then
    MISSING. ``SHARED``: one word agrees while others contradict it, or stands in another place (a middle name).
    """

    FULL, EXACT, NICKNAME, SWAPPED, CLOSE, SHARED, SIMILAR, DIFFERENT, MISSING = range(9)


class Family(IntEnum):
    """Agreement of family names, best first. ``PART``: one part of a double-barrelled or prefixed name."""

    EXACT, PART, CLOSE, SIMILAR, DIFFERENT, MISSING = range(6)


class Born(IntEnum):
    """Agreement on when the child was (or will be) born: by date, by age, or by expected date of delivery."""

    EXACT, SWAPPED, DIGIT, TWO_PARTS, DIFFERENT, AGE, AGE_NEAR, AGE_DIFFERENT, DUE, DUE_NEAR, DUE_DIFFERENT, MISSING = (
        range(12)
    )


class Place(IntEnum):
    """Agreement of the best pair of addresses. ``BUILDING``: same building, the flat differs or is unknown."""

    HOME, BUILDING, POSTCODE, NEAR, DIFFERENT, MISSING = range(6)


class Mother(IntEnum):
    """Agreement on the mother: ``FULL`` by given and family name, ``BORN`` by that and her date of birth."""

    BORN, FULL, PART, DIFFERENT, MISSING = range(5)


class Plain(IntEnum):
    """Agreement of a detail that is right or wrong (NHS number, sex)."""

    SAME, DIFFERENT, MISSING = range(3)


class Weight(NamedTuple):
    """Log10 likelihood ratios against "a stranger": for the same child, and for another child of the household."""

    same: float
    household: float


def _weights(*rows: tuple[float, float, float]) -> tuple[Weight, ...]:
    """Turn (same child, household, stranger) probabilities into ratios; the level MISSING comes last and weighs 0."""
    return (*(Weight(log10(m / u), log10(h / u)) for m, h, u in rows), Weight(0.0, 0.0))


COMMONEST = {"very common": 0.012, "common": 0.004, "other": 0.0004}
"""How many bear a name of each class (see ``frequency``): the chance that a stranger agrees on it exactly."""

# Level by level, in the order of the enumerations:  same child, household, stranger
GIVEN = _weights(
    (0.72, 0.0001, COMMONEST["other"] * 0.03),  # 3 % of strangers share a further name too
    (0.80, 0.001, COMMONEST["other"]),  # a sibling with the very same name hardly happens
    (0.05, 0.004, 0.003),
    (0.01, 0.00004, 0.0000005),  # two names have to agree crosswise
    (0.07, 0.010, 0.003),  # misspelt; siblings' names are alike more often than strangers'
    (0.015, 0.080, 0.010),  # brothers who are all "Mohammed something"
    (0.01, 0.030, 0.020),
    (0.03, 0.872, 0.963),
)
FAMILY = _weights(
    (0.86, 0.72, COMMONEST["other"]),
    (0.05, 0.07, 0.0008),
    (0.04, 0.03, 0.002),
    (0.01, 0.01, 0.010),
    (0.04, 0.17, 0.985),  # married, adopted, another parent's
)
BORN = _weights(
    (0.88, 0.030, 1 / 6570),  # 18 years of days; of siblings 3 % are twins
    (0.015, 0.0005, 1 / 6570),
    (0.04, 0.010, 0.003),
    (0.03, 0.020, 0.008),
    (0.035, 0.9395, 0.989),
    (0.80, 0.12, 1 / 18),
    (0.16, 0.15, 2 / 18),
    (0.04, 0.73, 15 / 18),
    (0.85, 0.003, 0.008),  # within a fortnight of the expected date; unborn twins are entered together
    (0.12, 0.02, 0.016),  # within six weeks
    (0.03, 0.96, 0.976),
)
PLACE = _weights(
    (0.60, 0.80, 0.00002),
    (0.04, 0.05, 0.00010),
    (0.05, 0.03, 0.00030),
    (0.03, 0.02, 0.00200),  # one character off in the postcode
    (0.28, 0.10, 0.99758),  # children move: little against the same child, more against one household
)
MOTHER = _weights(
    (0.55, 0.55, 0.0000001),
    (0.35, 0.30, 0.0001),
    (0.06, 0.07, 0.02),
    (0.04, 0.08, 0.98),
)
SEX = _weights((0.985, 0.5, 0.5), (0.015, 0.5, 0.5))
NHS = _weights((0.97, 0.002, 0.0000001), (0.03, 0.998, 1.0))

PRIOR = 1e-5
"""Odds of one entry being the child asked about, to nobody here being: one to one, over 100,000 entries."""

HOUSEHOLD_PER_ENTRY = 0.25
"""Enquiries about a child of an entry's household who has no entry, for each one about the entry itself."""
