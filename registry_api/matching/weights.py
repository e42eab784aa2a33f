"""The one table of evidence: how likely each level of agreement is for the same child, a sibling and a stranger.

Fellegi and Sunter, "A Theory for Record Linkage", JASA 64 (1969), with two more hypotheses beside their two: *another
child of the same household*, for twins and siblings agree on nearly everything, and *a namesake*. Each row holds
probabilities of seeing that level; what counts are their ratios, so an auditor can read why a detail weighed
what it did. A detail missing on either side says nothing. Fields are taken as independent given the hypothesis.
"""

from enum import IntEnum
from math import log10
from typing import Final, NamedTuple


class Given(IntEnum):
    """Agreement of given names, best first.

    ``FULL``: the first and further given names agree; ``EXACT``: the first, the others not contradicting it.
    ``SWAPPED``: given and family name stand in each other's place; ``CROSSED``: one of them does, and the other is
    unlike. Both speak for the two names together, and the family name is then MISSING. ``SHARED``: one word agrees
    while others contradict it, or stands in another place (a middle name).
    """

    FULL, EXACT, NICKNAME, SWAPPED, CLOSE, SHARED, CROSSED, SIMILAR, DIFFERENT, MISSING = range(10)


class Family(IntEnum):
    """Agreement of family names, best first. ``PART``: one part of a double-barrelled or prefixed name."""

    EXACT, PART, CLOSE, SIMILAR, DIFFERENT, MISSING = range(6)


class Born(IntEnum):
    """Agreement on when the child was (or will be) born: by date, by age, or by expected date of delivery."""

    EXACT, SWAPPED, DIGIT, TWO_PARTS, DIFFERENT, AGE, AGE_NEAR, AGE_DIFFERENT, DUE, DUE_NEAR, DUE_DIFFERENT, MISSING = (
        range(12)
    )


class Place(IntEnum):
    """Agreement of the best pair of addresses. ``BUILDING``: same building, the flat differs or is unknown.

    ``POSTCODE_ALONE``: the postcode agrees and is all that one side gives; ``POSTCODE``: it agrees, the house does not.
    """

    HOME, BUILDING, POSTCODE_ALONE, POSTCODE, NEAR, DIFFERENT, MISSING = range(7)


class Mother(IntEnum):
    """Agreement on the mother: ``FULL`` by given and family name, ``BORN`` by that and her date of birth."""

    BORN, FULL, PART, DIFFERENT, MISSING = range(5)


class Plain(IntEnum):
    """Agreement of a detail that is right or wrong (NHS number, sex)."""

    SAME, DIFFERENT, MISSING = range(3)


class Weight(NamedTuple):
    """Log10 likelihood ratios against "a stranger".

    ``same``: for the same child. ``household``: for another child of the household. ``namesake``: for a child of the
    same name who has nothing else to do with the entry.
    """

    same: float
    household: float
    namesake: float


def _weights(*rows: tuple[float, ...]) -> tuple[Weight, ...]:
    """Turn (same child, household, stranger[, namesake]) probabilities into ratios.

    A namesake is a stranger where nothing else is given. The level MISSING comes last and weighs 0.
    """
    return (
        *(Weight(log10(row[0] / row[2]), log10(row[1] / row[2]), log10(row[-1] / row[2])) for row in rows),
        Weight(0.0, 0.0, 0.0),
    )


def _named(*rows: tuple[float, float, float]) -> tuple[Weight, ...]:
    """Do the same for a name, which a namesake bears like the child itself."""
    return _weights(*((same, household, stranger, same) for same, household, stranger in rows))


SCORER_VERSION: Final = 4
"""Raise it with every change of the weights or of what their levels mean: an explanation says by which it was made."""

COMMONEST = {"very common": 0.012, "common": 0.004, "other": 0.0007}
"""How many bear a name of each class (see ``frequency``): the chance that a stranger agrees on it exactly."""

# Level by level, in the order of the enumerations:  same child, household, stranger, and namesake if none of these
GIVEN = _named(
    (0.72, 0.0001, COMMONEST["other"] * 0.03),  # 3 % of strangers share a further name too
    (0.75, 0.0008, COMMONEST["other"]),  # a sibling with the very same name hardly happens
    (0.06, 0.0020, 0.002),
    (0.02, 0.00004, 0.0000005),  # two names have to agree crosswise
    (0.08, 0.0018, 0.002),  # misspelt; siblings' names are alike more often than strangers'
    (0.010, 0.030, 0.010),  # brothers who are all "Mohammed something"
    (0.001, 0.020, 0.0003),  # a brother's or sister's names are swapped as often as the child's own
    (0.015, 0.014, 0.015),
    (0.008, 0.950, 0.970),
)
FAMILY = _named(
    (0.78, 0.70, COMMONEST["other"]),
    (0.06, 0.06, 0.0010),
    (0.10, 0.10, 0.0020),
    (0.012, 0.012, 0.010),
    (0.045, 0.13, 0.987),  # married, adopted, another parent's
)
BORN = _weights(
    (0.90, 0.100, 1 / 6570, 0.25),  # 18 years of days; twins, and namesakes who are asked about, are of one age
    (0.012, 0.0010, 1 / 6570, 0.002),
    (0.045, 0.012, 0.003, 0.05),
    (0.02, 0.020, 0.008, 0.06),
    (0.023, 0.8670, 0.989, 0.638),
    (0.83, 0.12, 1 / 18, 0.60),
    (0.15, 0.10, 2 / 18, 0.25),
    (0.02, 0.78, 15 / 18, 0.15),
    (0.85, 0.003, 0.008),  # within a fortnight of the expected date; unborn twins are entered together
    (0.12, 0.02, 0.016),  # within six weeks
    (0.03, 0.96, 0.976),
)
PLACE = _weights(
    (0.76, 0.80, 0.00002),
    (0.04, 0.04, 0.00010),
    (0.84, 0.88, 0.00042),  # all of the three that a postcode by itself cannot tell apart
    (0.04, 0.04, 0.00030),
    (0.03, 0.03, 0.00200),  # one character off in the postcode
    (0.13, 0.09, 0.99758),  # children move: little against the same child, more against one household
)
MOTHER = _weights(
    (0.55, 0.55, 0.0000001),
    (0.35, 0.35, 0.0001),
    (0.05, 0.05, 0.02),
    (0.05, 0.05, 0.98),
)
SEX = _weights((0.985, 0.5, 0.5, 0.97), (0.015, 0.5, 0.5, 0.03))
NHS = _weights((0.97, 0.01, 0.0000001), (0.03, 0.99, 1.0))

PRIOR = 1e-5
"""Odds of one entry being the child asked about, to nobody here being: one to one, over 100,000 entries."""

HOUSEHOLD_PER_ENTRY = 0.4
"""Enquiries about a child of an entry's household who has no entry, for each one about the entry itself."""

NAMESAKE_PER_ENTRY = 0.4
"""Enquiries about a namesake of an entry, of much the same age, who has no entry, for each one about the entry."""

OVERCOUNTED = 3.0
"""By how much the evidence for the same child says too much: what agrees, agrees together, for a name that was taken
down well comes with a date and an address that were. Settled on seed 7 of ``bench.matching``: of 1, 2, 3, 4 and 6 the
one whose posteriors are right most nearly as often as they say (log loss 1117, 977, 966, 984, 1042)."""

EARLIER_PRIOR = 1e-3
"""Odds of an earlier enquiry, about a child who was not known, being about the child asked about now. Of those there
are thousands, not a hundred thousand, and who worries somebody once worries somebody again."""

NAMESAKE_PER_ENQUIRY = 0.1
"""Earlier enquiries about a namesake of much the same age, for each one about the child: both would have to have
worried somebody while neither has an entry. Settled with SAME_ENQUIRY on seed 7 of ``bench.matching.repeats``."""
