"""Names meet however they are spelt, in whatever script, and nicknames only where they are directly related."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_api.matching.compare_names import compare_family, compare_given
from registry_api.matching.names import family_words, fold, given_words, nicknames_of, sounds
from registry_api.matching.weights import Family, Given


@given(st.text(max_size=300))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=300))
def test_folding_leaves_no_control_character_and_no_loose_space(text: str) -> None:
    folded = fold(text)
    assert folded == " ".join(folded.split())
    assert folded.isprintable()


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("  O'Neill ", "oneill"),
        ("O’Neill", "oneill"),
        ("Zoë-Ann\tMarie", "zoe ann marie"),
        ("José\u0000", "jose"),
        ("Łukasz Ørsted", "lukasz orsted"),
        ("Ｔｏｍ", "tom"),
        ("Strauß", "strauss"),
        ("مُحَمَّد", "محمد"),
        ("أحمد", "احمد"),
        ("\u202eמשה\u202c", "משה"),
        ("李小龍", "李小龍"),
        ("Tom 😀 Ashdown", "tom ashdown"),
        ("😀", ""),
        ("\u200b\u0007", ""),
        ("Tom\ud800", "tom"),
    ],
)
def test_names_fold_across_scripts_marks_and_symbols(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Baby", ()),
        ("Baby Girl", ()),
        ("Master Tom James", ("tom", "james")),
        ("Baby Jane", ("jane",)),
        ("Miss", ("miss",)),
        ("Mary-Jane", ("mary", "jane")),
    ],
)
def test_titles_and_placeholders_are_no_given_names(written: str, words: tuple[str, ...]) -> None:
    assert given_words(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Ashdown", ("ashdown",)),
        ("Ashdown-Pell", ("ashdownpell", "ashdown", "pell")),
        ("Le Sueur", ("lesueur", "sueur")),
        ("van der Berg", ("vanderberg", "berg")),
        ("Mac Donald", ("macdonald",)),
        ("O Neill", ("oneill",)),
        ("", ()),
    ],
)
def test_a_family_name_is_run_together_then_taken_apart(written: str, words: tuple[str, ...]) -> None:
    assert family_words(written) == words


def test_a_nickname_is_a_direct_relation_both_ways_and_is_never_closed_over() -> None:
    assert "bill" in nicknames_of("william")
    assert "william" in nicknames_of("bill")
    assert "al" in nicknames_of("albert")
    assert "al" in nicknames_of("alan")
    assert "alan" not in nicknames_of("albert")
    assert "emma" not in nicknames_of("emily")


@given(st.text(min_size=1, max_size=30).map(fold).filter(bool))
def test_every_word_sounds_like_something(text: str) -> None:
    for word in text.split():
        assert all(sounds(word))


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("Tom", "TOM", Given.EXACT),
        ("Tom James", "Tom", Given.EXACT),
        ("Tom James", "Tom J", Given.EXACT),
        ("Tom James", "Tom James", Given.FULL),
        ("Jean-Pierre", "Jeanpierre", Given.EXACT),
        ("Bill", "William", Given.NICKNAME),
        ("Mohammed", "Muhammad", Given.NICKNAME),
        ("Sarah", "Sara", Given.NICKNAME),
        ("Kestrelle", "Kestrele", Given.CLOSE),
        ("Christopher", "Christpoher", Given.CLOSE),
        ("Amelia", "Amelie", Given.DIFFERENT),
        ("Daniel", "Danielle", Given.DIFFERENT),
        ("Kestrelia", "Kestrela", Given.CLOSE),
        ("Mohammed Ali", "Mohammed Hassan", Given.SHARED),
        ("Thomas James", "James Thomas", Given.SHARED),
        ("Ebrun Chukwuemeka", "Ibrun Chukwuemeka", Given.CLOSE),  # so like, and the other name too
        ("Maria Clara", "Mario Clara", Given.SHARED),  # two names that people have
        ("Iqra Arysm", "Iqra Maryam", Given.SHARED),
        ("Megan Zeren", "Megan Seren", Given.EXACT),  # a further name misspelt contradicts nothing
        ("James", "Thomas James", Given.SHARED),
        ("T", "Tom", Given.SIMILAR),
        ("T", "Ruth", Given.DIFFERENT),
        ("Ruth", "Tom", Given.DIFFERENT),
        ("محمد", "مُحَمَّد", Given.EXACT),
    ],
)
def test_given_names_agree_by_level_whichever_way_round(one: str, other: str, level: Given) -> None:
    assert compare_given(given_words(one), given_words(other)) is level
    assert compare_given(given_words(other), given_words(one)) is level


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("Le Sueur", "Lesueur", Family.EXACT),
        ("O'Neill", "O Neill", Family.EXACT),
        ("Ashdown-Pell", "Pell", Family.PART),
        ("Ashdown Pell", "Pell-Ashdown", Family.PART),
        ("de la Haye", "Haye", Family.PART),
        ("Pallister", "Palister", Family.CLOSE),
        ("Smith", "Smyth", Family.CLOSE),  # one name, as it is heard
        ("Ashdown", "Pallister", Family.DIFFERENT),
    ],
)
def test_family_names_agree_by_level_whichever_way_round(one: str, other: str, level: Family) -> None:
    assert compare_family(family_words(one), family_words(other)) is level
    assert compare_family(family_words(other), family_words(one)) is level


_words = st.lists(st.sampled_from(["tom", "thomas", "james", "jim", "bill", "amelia", "amelie", "t", "al"]), min_size=1)


@given(_words.map(tuple), _words.map(tuple))
def test_comparing_given_names_is_symmetric(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert compare_given(one, other) is compare_given(other, one)
