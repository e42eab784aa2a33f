"""Names as people give them find their bearer, either way round; what only looks like one does not."""

from dataclasses import replace

import pytest
from matching_children import ELSEWHERE, FOUND, HOME, TOM, asked, child

from registry_api.matching.bands import Band
from registry_api.matching.compare import compare
from registry_api.matching.person import Address
from registry_api.matching.record import record_of
from registry_api.matching.weights import PLACE, Place

GIVEN_AS = {
    "transliterated": (("Yousef", "Abdelrahman"), ("Yusuf", "Abdul Rahman")),
    "transliterated by ear": (("Zofia", "Wójcik"), ("Zofia", "Voytsik")),
    "accents left out": (("Zoë", "Müller"), ("Zoe", "Muller")),
    "order swapped": (("Ashdown", "Thomas"), ("Thomas", "Ashdown")),
    "double-barrelled": (("Ruth", "Pell"), ("Ruth", "Ashdown-Pell")),
    "surname changed": (("Ruth", "Quillon"), ("Ruth", "Ashdown")),
    "nickname": (("Bill", "Ashdown"), ("William", "Ashdown")),
    "Mac and Mc": (("Isla", "McDonald"), ("Isla", "MacDonald")),
    "Mac apart": (("Isla", "Mac Donald"), ("Isla", "Macdonald")),
    "O'": (("Niamh", "O Neill"), ("Niamh", "O'Neill")),
    "without O'": (("Niamh", "Neill"), ("Niamh", "O'Neill")),
    "de": (("Ana", "Sousa"), ("Ana", "de Sousa")),
    "de la": (("Ana", "Delahaye"), ("Ana", "de la Haye")),
    "al-": (("Omar", "Masri"), ("Omar", "Al-Masri")),
    "al- and el-": (("Omar", "Elmasri"), ("Omar", "Al-Masri")),
    "van": (("Lotte", "Berg"), ("Lotte", "van den Berg")),
    "van run together": (("Lotte", "Vandenberg"), ("Lotte", "van den Berg")),
    "second name tells": (("Ebrun Chukwuemeka", "Okeke"), ("Ibrun Chukwuemeka", "Okeke")),
    "mononym": (("Kestrelian", ""), ("Kestrelian", "Ashdown")),
}
"""Names as people give them: as asked, and as entered. Either may be the other."""


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("asked_as", "entered_as"), GIVEN_AS.values(), ids=GIVEN_AS)
def test_a_name_finds_its_bearer_however_it_is_given(asked_as: tuple[str, str], entered_as: tuple[str, str]) -> None:
    question, there = child(*asked_as), child(*entered_as)
    assert asked(question, there) == FOUND
    assert asked(there, question) == FOUND
    assert asked(replace(question, addresses=(ELSEWHERE,)), there)[0] is not Band.MATCH, "a name is not enough"


NOT_GIVEN_AS = {
    "nicknames of one nickname": (("Albert", "Ashdown"), ("Alan", "Ashdown")),
    "the other name of both": (("Maria Clara", "Ashdown"), ("Mario Clara", "Ashdown")),
    "a brother's names swapped": (("Ashdown", "Thomas"), ("Ruth", "Ashdown")),
}


@pytest.mark.rule("REG-1")
@pytest.mark.parametrize(("asked_as", "entered_as"), NOT_GIVEN_AS.values(), ids=NOT_GIVEN_AS)
def test_a_name_of_the_same_home_that_is_another_is_not_taken_for_it(
    asked_as: tuple[str, str], entered_as: tuple[str, str]
) -> None:
    assert asked(child(*asked_as), child(*entered_as))[0] is Band.POSSIBLE
    assert asked(child(*entered_as), child(*asked_as))[0] is Band.POSSIBLE


def test_a_postcode_that_is_all_there_is_says_more_than_one_whose_houses_disagree() -> None:
    alone, apart = Address("", "ZX1 4QP"), Address("99 Fuller Road, Nether Wallow", "ZX1 4QP")
    levels = [compare(record_of(child("Thomas", at=place)), record_of(TOM)) for place in (HOME, alone, apart)]
    assert [level.place for level in levels if level] == [Place.HOME, Place.POSTCODE_ALONE, Place.POSTCODE]
    home, bare, other = (PLACE[level.place].same for level in levels if level)
    assert home > bare > other > 0
