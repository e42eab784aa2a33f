"""Addresses: two ways to write one home are the same, and no two homes ever are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_api.matching.address import normalise_address, same_address
from registry_api.matching.postcodes import near, normalise_postcode

SAME = [
    ("2/14 High Street, ZX1 4QP", "Flat 2, 14 High St, ZX1 4QP"),
    ("2, 14 High Street, ZX1 4QP", "Apartment 2, 14 High St, ZX14QP"),
    ("14b High Street, ZX1 4QP", "Flat B, 14 High Street, ZX1 4QP"),
    ("14 B High Street, ZX1 4QP", "14B High St ZX1 4QP"),
    ("9 St John's Road, ZX1 4QP", "9 Saint Johns Rd, zx1 4qp"),
    ("9 St Johns St, ZX1 4QP", "9 Saint John's Street, ZX1 4QP"),
    ("9 Orchard Road, ZX1 OQP", "9 Orchard Road, ZX1 0QP"),
    ("12-14 Fuller Road, ZX1 4QP", "12 Fuller Road, ZX1 4QP"),
    ("Basement, 3 Rose Hill, ZX1 4QP", "Basement Flat, 3 Rose Hill, ZX1 4QP"),
    ("GFF, 3 Rose Hill, ZX1 4QP", "Ground Floor Flat, 3 Rose Hill, ZX1 4QP"),
    ("Flat 2, First Floor, 3 Rose Hill, ZX1 4QP", "Flat 2, 3 Rose Hill, ZX1 4QP"),
    ("La Rue de la Croix 14, St Ouen, JE5 2XX", "14 Rue de la Croix, St. Ouen, Jersey, JE5 2XX"),
    ("Les Pommiers, La Rue de la Croix, St Ouen", "Les Pommiers, Rue de la Croix, Saint Ouen, JE5 2XX"),
    ("14 Rouge Bouillon, St Helier", "14 Rouge Bouillon St Helier JE5 3XX"),
    ("Rose Cottage Fuller Lane, ZX1 4QP", "Rose Cottage, Fuller Lane, ZX1 4QP"),
    ("Manor Farm, Fuller Lane, ZX1 4QP", "Manor Fm, Fuller Ln, ZX1 4QP"),
    ("Flat 12, Rose Court, Mill Road, ZX1 4QP", "12 Rose Court, Mill Road, ZX1 4QP"),
    ("Flat 12 Rose Court Mill Road ZX1 4QP", "Flat 12, Rose Court, Mill Rd, ZX1 4QP"),
    ("No. 7 Fuller Lane\nNether Wallow\nZX1 4QP", "7 Fuller Lane, ZX1 4QP"),
    ("7 Fuller Lane, ZX1 4QP", "7 Fuler Lane, ZX1 4QP"),
    ("7 Fuller Lane, ZX1 4QP", "7 Fuller Lane, ZX1 4QR"),
    ("Rose Cottage, 7 Fuller Lane, ZX1 4QP", "7 Fuller Lane, ZX1 4QP"),
    ("007 Fuller Lane, ZX1 4QP", "7 Fuller Lane, ZX1 4QP"),
]

NOT_SAME = [
    ("Flat 2, 14 High Street, ZX1 4QP", "Flat 3, 14 High Street, ZX1 4QP"),
    ("Flat 2, 14 High Street, ZX1 4QP", "14 High Street, ZX1 4QP"),
    ("14a High Street, ZX1 4QP", "14 High Street, ZX1 4QP"),
    ("Basement Flat, 3 Rose Hill, ZX1 4QP", "GFF, 3 Rose Hill, ZX1 4QP"),
    ("14 High Street, ZX1 4QP", "16 High Street, ZX1 4QP"),
    ("12-14 Fuller Road, ZX1 4QP", "13 Fuller Road, ZX1 4QP"),
    ("14 High Street, ZX1 4QP", "14 High Street, ZX7 9QP"),
    ("14 High Street, ZX1 4QP", "14 High Street"),
    ("14 Fuller Road, ZX1 4QP", "14 Fuller Lane, ZX1 4QP"),
    ("Manor Farm, Fuller Lane, ZX1 4QP", "Manor Farm Cottage, Fuller Lane, ZX1 4QP"),
    ("Rose Cottage, ZX1 4QP", "Ivy Cottage, ZX1 4QP"),
    ("14 La Grande Route, St Ouen", "14 La Grande Route, St Peter"),
    ("Les Pommiers, Rue de la Croix, St Ouen", "Les Pommiers, Rue de la Croix, St Mary"),
    ("Rose Cottage", "Rose Cottage"),
    ("", ""),
    ("ZX1 4QP", "ZX1 4QP"),
    ("Fuller Lane, ZX1 4QP", "Fuller Lane, ZX1 4QP"),
    ("Flat 1, Rose Court, ZX1 4QP", "Flat 1, Ivy Court, ZX1 4QP"),
]


@pytest.mark.rule("ENQ-5")
@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_home_written_in_two_ways_is_the_same(one: str, other: str) -> None:
    a, b = normalise_address(one), normalise_address(other)
    assert same_address(a, b)
    assert same_address(b, a)


@pytest.mark.rule("ENQ-5")
@pytest.mark.parametrize(("one", "other"), NOT_SAME)
def test_two_homes_or_too_little_to_tell_are_not_the_same(one: str, other: str) -> None:
    a, b = normalise_address(one), normalise_address(other)
    assert not same_address(a, b)
    assert not same_address(b, a)


def test_a_uprn_on_both_sides_decides() -> None:
    here = normalise_address("14 High Street", "ZX1 4QP", "100000000001")
    assert same_address(here, normalise_address("Flat 9, The Old Mill", "ZX9 9ZZ", "100000000001"))
    assert not same_address(here, normalise_address("14 High Street", "ZX1 4QP", "100000000002"))
    assert same_address(here, normalise_address("14 High Street", "ZX1 4QP"))


@given(st.text(max_size=400), st.text(max_size=12), st.text(max_size=16))
def test_no_text_is_too_strange_to_read_and_capitals_do_not_matter(lines: str, postcode: str, uprn: str) -> None:
    keys = normalise_address(lines, postcode, uprn)
    assert same_address(keys, keys) in (True, False)
    if lines.isascii():
        assert normalise_address(lines.upper(), postcode.upper(), uprn) == normalise_address(
            lines.lower(), postcode.lower(), uprn
        )


@pytest.mark.parametrize(
    ("written", "postcode"),
    [
        ("zx14qp", "ZX14QP"),
        (" ZX1  4QP ", "ZX14QP"),
        ("ZX1 OQP", "ZX10QP"),
        ("JE5 3xx", "JE53XX"),
        ("ZX1O 4QP", "ZX104QP"),
        ("ZX1", ""),
        ("not one", ""),
        ("", ""),
    ],
)
def test_postcodes_have_one_spelling(written: str, postcode: str) -> None:
    assert normalise_postcode(written) == postcode


def test_postcodes_are_near_at_exactly_one_character() -> None:
    assert near("ZX14QP", "ZX14QR")
    assert not near("ZX14QP", "ZX14QP")
    assert not near("ZX14QP", "ZX15QR")
    assert not near("ZX14QP", "ZX114QP")
    assert not near("", "")
