"""The tree is that of RFC 6962, its proofs hold, and no proof that was tampered with does: by two implementations."""

import random
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from unit.log_doubles import tiles_over

from registry_api.access_log import merkle, tiles, verify
from registry_api.access_log.tiles import Edge, Tile, path_of

# The inputs and roots of the reference tests of Certificate Transparency, over which RFC 6962 is implemented.
REFERENCE = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def hashes_of(count: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % number) for number in range(count)]


def inclusion(index: int, size: int) -> list[bytes]:
    over = tiles_over(hashes_of(size))
    return [tiles.root_of_span(span, over) for span in merkle.inclusion_spans(index, size)]


def consistency(old: int, new: int) -> list[bytes]:
    over = tiles_over(hashes_of(new))
    return [tiles.root_of_span(span, over) for span in merkle.consistency_spans(old, new)]


def holds_elsewhere(check: Callable[[], None]) -> bool:
    """Ask the verifier that stands alone."""
    try:
        check()
    except verify.DoesNotHold:
        return False
    return True


def head(size: int, root: bytes, origin: str = "register.test/log") -> verify.Head:
    return verify.Head(origin, size, root, "")


def included(index: int, size: int, path: list[bytes], *, leaf: int | None = None, root: bytes | None = None) -> bool:
    """Ask both, which have to agree."""
    root = root or merkle.root_of(hashes_of(size))
    entry = b"%d" % (index if leaf is None else leaf)
    here = merkle.verify_inclusion(merkle.leaf_hash(entry), index, size, path, root)
    assert holds_elsewhere(partial(verify.check_inclusion, entry, index, head(size, root), path)) == here
    return here


def consistent(old: int, new: int, path: list[bytes], roots: tuple[bytes, bytes] | None = None) -> bool:
    """Ask both, which have to agree."""
    before, after = roots or (merkle.root_of(hashes_of(old)), merkle.root_of(hashes_of(new)))
    here = merkle.verify_consistency(old, before, new, after, path)
    assert holds_elsewhere(partial(verify.check_consistency, head(old, before), head(new, after), path)) == here
    return here


def test_the_roots_are_those_of_the_reference() -> None:
    entries = [bytes.fromhex(entry) for entry in REFERENCE]
    for size, root in enumerate(ROOTS):
        assert merkle.root_of([merkle.leaf_hash(entry) for entry in entries[:size]]).hex() == root


def test_the_roots_are_those_of_pymerkle() -> None:
    oracle, edge = InmemoryTree(algorithm="sha256"), Edge()
    for size in range(301):
        root = oracle.get_root()
        assert merkle.root_of(hashes_of(size)) == root
        assert edge.root() == root
        assert verify.root_over(b"".join(hashes_of(size))) == root
        oracle.append_entry(b"%d" % size)
        edge.append([merkle.leaf_hash(b"%d" % size)])


def test_every_entry_of_every_small_tree_is_proved() -> None:
    for size in range(1, 40):
        for index in range(size):
            assert included(index, size, inclusion(index, size))


def test_every_small_tree_is_shown_to_have_grown() -> None:
    for new in range(40):
        for old in range(new + 1):
            assert consistent(old, new, consistency(old, new))


@pytest.mark.parametrize("size", [255, 256, 257, 511, 70_000])
def test_trees_beyond_a_tile_prove_likewise(size: int) -> None:
    hashes, chosen = hashes_of(size), random.Random(size)
    over, root = tiles_over(hashes), merkle.root_of(hashes)
    for index in [0, size - 1, *chosen.sample(range(size), 4)]:
        spans = merkle.inclusion_spans(index, size)
        needed = {tile: over[tile] for tile in tiles.tiles_of(spans)}
        path = [tiles.root_of_span(span, needed) for span in spans]
        assert included(index, size, path, root=root)
        old = index + 1
        path = [tiles.root_of_span(span, over) for span in merkle.consistency_spans(old, size)]
        assert consistent(old, size, path, (merkle.root_of(hashes[:old]), root))


def tampered(path: list[bytes], at: random.Random) -> list[list[bytes]]:
    """Return proofs that are not this one: cut short, drawn out, swapped, altered, with a hash of another length."""
    others = [[*path, path[-1] if path else bytes(32)], [bytes(32), *path]]
    if path:
        place = at.randrange(len(path))
        altered = bytes([path[place][0] ^ 1 << at.randrange(8)]) + path[place][1:]
        others += [path[:-1], path[1:], [*path[:place], altered, *path[place + 1 :]]]
        others += [[*path[:place], path[place][:31], *path[place + 1 :]], [*path[:place], path[place] + b"\0"]]
    if len(set(path)) > 1:
        others.append(path[::-1])
    return others


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_tampered_inclusion_holds(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 80))
    index = data.draw(st.integers(0, size - 1))
    path = inclusion(index, size)
    for other in tampered(path, data.draw(st.randoms(use_true_random=False))):
        assert not included(index, size, other)
    root = merkle.root_of(hashes_of(size))
    for place in {*range(size), size, -1} - {index}:
        assert not included(place, size, path, leaf=index, root=root), "the entry stands at one place only"
    # Another size is another tree unless it has the same shape around the leaf: only then may the path fit.
    assert not included(index, size, path, root=merkle.root_of(hashes_of(size + 1)))
    assert not included(index, size, path, leaf=size)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_tampered_consistency_holds(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 80))
    old = data.draw(st.integers(1, new))
    path = consistency(old, new)
    for other in tampered(path, data.draw(st.randoms(use_true_random=False))):
        assert not consistent(old, new, other)
    before, after = merkle.root_of(hashes_of(old)), merkle.root_of(hashes_of(new))
    forged = merkle.root_of([merkle.leaf_hash(b"forged"), *hashes_of(old)[1:]])
    assert not consistent(old, new, path, (forged, after))
    assert not consistent(old, new, path, (before, forged if old == new else merkle.leaf_hash(b"forged")))
    assert not consistent(new + 1, new, path, (before, after)), "a log does not shrink"


def test_the_empty_tree_is_the_beginning_of_every_other_and_has_one_root() -> None:
    assert consistent(0, 5, [])
    assert not consistent(0, 5, [merkle.root_of(hashes_of(5))])
    assert not merkle.verify_consistency(0, bytes(32), 5, merkle.root_of(hashes_of(5)), [])
    assert not merkle.verify_inclusion(merkle.EMPTY_ROOT, 0, 0, [], merkle.EMPTY_ROOT)
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion_spans(0, 0)
    with pytest.raises(ValueError, match="does not shrink"):
        merkle.consistency_spans(2, 1)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_536, 70_000])
def test_an_edge_grows_into_the_tiles_of_the_definition(size: int) -> None:
    hashes, edge, made = hashes_of(size), Edge(), {}
    for start in range(0, size, 1_000):
        made |= {full.tile: full.hashes for full in edge.append(hashes[start : start + 1_000])}
    made |= dict(edge.partial_tiles())
    assert made == tiles_over(hashes)
    assert edge.root() == merkle.root_of(hashes)


def test_an_edge_is_taken_up_only_as_it_was_left() -> None:
    edge = Edge()
    edge.append(hashes_of(300))
    widths = tiles.edge_widths(300)
    assert widths == [44, 1]
    levels = [tiles.hashes_of(hashes) for _, hashes in edge.partial_tiles()]
    assert Edge(300, levels).root() == merkle.root_of(hashes_of(300))
    with pytest.raises(ValueError, match="partial tiles"):
        Edge(301, levels)


def test_the_tiles_of_the_example_are_those_of_the_specification() -> None:
    """tlog-tiles, Partial Tiles: a tree of 70,000, and one of 256."""
    widths = [(tile.level, tile.width(70_000)) for tile in tiles.tiles_in(70_000)]
    assert widths == [*[(0, 256)] * 273, (0, 112), (1, 256), (1, 17), (2, 1)]
    assert [(tile.level, tile.width(256)) for tile in tiles.tiles_in(256)] == [(0, 256), (1, 1)]
    assert Tile(0, 1).width(256) == 0
    assert path_of(3, 1234067) == "tile/3/x001/x234/067"
    assert path_of("entries", 0, 17) == "tile/entries/000.p/17"
    for number in (0, 999, 1_000, 999_999, 1_234_067):
        assert verify.path_of("entries", number, 256) == path_of("entries", number)


def test_a_tile_that_is_too_short_proves_nothing() -> None:
    with pytest.raises(ValueError, match="too short"):
        tiles.root_of_span((0, 4), {Tile(0, 0): bytes(96)})
