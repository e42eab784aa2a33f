"""Labelled addresses, all invented: buildings, the homes in each, and the ways in which people write each home.

Two ways to write one home are *same home*, homes of one building *same building*, all else *different*. Neighbouring
buildings stand beside each other in the list, for those are the hard ones.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise, product

BUILDINGS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        ("7 Larkspur Rise, JE5 7QX", "7, Larkspur Rise JE57QX", "No 7 Larkspur Rise, St Ouen, Jersey, JE5 7QX"),
        ("Flat 2, 7 Larkspur Rise, JE5 7QX", "2/7 Larkspur Rise, JE5 7QX", "Apt 2, 7 Larkspur Rise, JE5 7QX"),
        ("7A Larkspur Rise, JE5 7QX", "Flat A, 7 Larkspur Rise, JE5 7QX"),
    ),
    (("9 Larkspur Rise, JE5 7QX", "9 Larkspr Rise, JE5 7QX"),),
    (("17 Larkspur Rise, JE5 7QX", "017 Larkspur Rise, je5 7qx"),),
    (("7 Larkspur Close, JE5 7QX", "7 Larkspur Cl, JE5 7QX"),),
    (
        ("7-9 Sorrel Way, ZX3 4QP", "7–9 Sorrel Way, ZX3 4QP", "7 to 9 Sorrel Way, ZX3 4QP"),
        ("Flat 1, 7-9 Sorrel Way, ZX3 4QP", "Apartment 1, 7-9 Sorrel Way, ZX3 4QP"),
    ),
    (("8 Sorrel Way, ZX3 4QP", "8, Sorrel Way, ZX34QP"),),
    (("11 Sorrel Way, ZX3 4QP", "11 Sorel Way, ZX3 4QP"),),
    (
        ("Les Pommiers, La Rue de la Croix, St Ouen", "Les Pommiers, Rue de la Croix, Saint Ouen, JE5 2XX"),
        ("Flat 3, Les Pommiers, La Rue de la Croix, St Ouen, JE5 2XX", "Flat 3 Les Pommiers, Rue de la Croix, JE5 2XX"),
    ),
    (("Les Pommiers, La Rue de la Croix, St Mary", "Les Pommiers, Rue de la Croix, St. Mary, Jersey"),),
    (("Les Ormes, La Rue de la Croix, St Mary", "Les Ormes, Rue de la Croix, Saint Mary"),),
    (("14 La Grande Route, St Peter, JE3 9XX", "14 Grande Route, Saint Peter, JE3 9XX"),),
    (("14 La Grande Route, St Ouen, JE5 9XX", "La Grande Route 14, St. Ouen, JE5 9XX"),),
    (("Manor Farm, Fuller Lane, ZX1 4QP", "Manor Fm, Fuller Ln, ZX1 4QP"),),
    (("Manor Farm Cottage, Fuller Lane, ZX1 4QP", "Manor Farm Cottage Fuller Lane ZX1 4QP"),),
    (("Rose Cottage, Fuller Lane, ZX1 4QP", "Rose Cottage Fuller Ln, ZX1 4QP"),),
    (
        ("Basement Flat, 3 Rose Hill, ZX1 5QP", "Basement, 3 Rose Hill, ZX1 5QP"),
        ("GFF, 3 Rose Hill, ZX1 5QP", "Ground Floor Flat, 3 Rose Hill, ZX1 5QP"),
        ("Flat 4, 3 Rose Hill, ZX1 5QP", "Flat 4, Second Floor, 3 Rose Hill, ZX1 5QP", "4/3 Rose Hill, ZX1 5QP"),
    ),
    (("5 Rose Hill, ZX1 5QP", "No. 5 Rose Hill, ZX1 5QP", "5 Rose Hill, ZX1 5OP"),),
    (
        ("Flat 12, Foxglove Court, Mill Road, ZX2 4QP", "12 Foxglove Court, Mill Rd, ZX2 4QP"),
        ("Flat 21, Foxglove Court, Mill Road, ZX2 4QP", "21 Foxglove Court, Mill Rd, ZX2 4QP"),
    ),
    (("Flat 12, Bramble Court, Mill Road, ZX2 4QP", "12 Bramble Court, Mill Road, ZX2 4QP"),),
    (("9 St John's Road, ZX4 4QP", "9 Saint Johns Rd, zx4 4qp", "9 St Johns Road, ZX4 4QP"),),
    (("9 St John's Street, ZX4 4QP", "9 Saint Johns St, ZX4 4QP"),),
)
"""Buildings; homes; spellings."""

UPRNS = (
    ("7 Larkspur Rise", "100000000001", "Seven, the Rise", "100000000001", "same home"),
    ("7 Larkspur Rise", "100000000001", "7 Larkspur Rise", "100000000002", "different"),
    ("Flat 2, 7 Larkspur Rise", "100000000003", "2/7 Larkspur Rise", "000100000000003", "same home"),
)
"""A UPRN that both sides give decides, whatever the words say."""


def pairs() -> Iterator[tuple[str, str, str]]:
    """Yield two addresses and how they stand to each other."""
    for homes in BUILDINGS:
        for spellings in homes:
            for one, other in combinations(spellings, 2):
                yield one, other, "same home"
        for here, there in combinations(homes, 2):
            for one, other in product(here, there):
                yield one, other, "same building"
    for near, next_one in pairwise(BUILDINGS):
        for here, there in product(near, next_one):
            for one, other in product(here, there):
                yield one, other, "different"
