"""Which of some two hundred labelled pairs of addresses are one home, and which only one building (ENQ-5, CUS-1)."""

from collections import Counter

import pytest
from address_pairs import UPRNS, pairs

from registry_api.matching.address import normalise_address, same_address, same_building

pytestmark = pytest.mark.rule("ENQ-5")
PAIRS = sorted(set(pairs()))


def said(one: str, other: str) -> str:
    """Return what the service says of two addresses."""
    a, b = normalise_address(one), normalise_address(other)
    if same_address(a, b):
        return "same home"
    return "same building" if same_building(a, b) else "different"


def test_no_two_homes_are_ever_taken_for_one_and_hardly_any_home_for_two() -> None:
    assert len(PAIRS) >= 150
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for one, other, label in PAIRS:
        found = said(one, other)
        counts[label, found] += 1
        if found != label:
            wrong.append((label, found, one, other))
    print(*sorted(counts.items()), *wrong, sep="\n")  # the rates, with -rP
    labels = Counter(label for _, _, label in PAIRS)
    assert min(labels.values()) > 25
    assert [one for one in wrong if one[1] == "same home"] == [], "a false same"
    assert counts["same home", "same home"] / labels["same home"] >= 0.95
    assert counts["same building", "same building"] / labels["same building"] >= 0.95
    assert counts["different", "different"] / labels["different"] >= 0.98


@pytest.mark.parametrize(("one", "uprn", "other", "other_uprn", "label"), UPRNS)
def test_a_uprn_that_both_give_decides(one: str, uprn: str, other: str, other_uprn: str, label: str) -> None:
    same = same_address(normalise_address(one, "JE5 7QX", uprn), normalise_address(other, "JE5 7QX", other_uprn))
    assert same == (label == "same home")
