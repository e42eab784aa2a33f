"""A leaf tells nothing, each field opens alone, and a child's key finds that child's entries and no other."""

import json
from dataclasses import replace
from datetime import timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.log_doubles import AT, SECRET, an_entry

from registry_api.access_log import verify
from registry_api.access_log.entry import commitment, new_secret, salt, subject_key, subject_tag

MASTER = bytes(range(32, 64))


def test_a_leaf_is_canonical_and_holds_nothing_of_what_was_asked() -> None:
    entry = an_entry(7, subjects=[subject_key(MASTER, uuid4())])
    leaf = entry.leaf(SECRET)
    read = json.loads(leaf)
    assert leaf == json.dumps(read, sort_keys=True, separators=(",", ":")).encode()
    assert set(read) == {"v", "id", "t", "ts", "c", "s", "ref"}
    assert [name for name, _ in read["c"]] == ["asked", "organisation", "who"]
    assert (read["t"], read["ref"], read["ts"]) == ("enquiry.received", "E-3", "2026-03-04T10:00:07.000000Z")
    assert not any(value.encode() in leaf for value in entry.fields.values())
    assert verify.parsed(leaf) == read


def test_a_leaf_is_the_same_wherever_the_clock_stood() -> None:
    entry = an_entry(1)
    there = replace(entry, at=entry.at.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert there.leaf(SECRET) == entry.leaf(SECRET)


def test_a_field_opens_alone() -> None:
    entry = an_entry(1)
    committed = dict(json.loads(entry.leaf(SECRET))["c"])
    who = salt(SECRET, "who")
    assert commitment(who, "who", "Testperson 1") == committed["who"] == verify.commitment("who", who, "Testperson 1")
    assert commitment(who, "who", "Testperson 2") != committed["who"]
    assert commitment(who, "asked", entry.fields["asked"]) != committed["asked"], "another field's salt opens nothing"
    assert who != salt(SECRET, "asked")


def test_without_its_secret_a_leaf_cannot_be_guessed_at() -> None:
    entry = an_entry(1)
    one, other = (json.loads(entry.leaf(new_secret()))["c"] for _ in range(2))
    assert all(a != b for (_, a), (_, b) in zip(one, other, strict=True))


@given(st.text("ab_.", min_size=1, max_size=8), st.text(max_size=8), st.integers(1, 7))
def test_no_letter_moves_between_name_and_value(name: str, value: str, at: int) -> None:
    whole = name + value
    other = whole[:at], whole[at:]
    if other != (name, value):
        assert commitment(bytes(32), name, value) != commitment(bytes(32), *other)


def test_a_childs_key_finds_its_entries_and_only_those() -> None:
    asked, sibling = uuid4(), uuid4()
    key, other = subject_key(MASTER, asked), subject_key(MASTER, sibling)
    entries = [an_entry(1, subjects=[key]), an_entry(2, subjects=[key, other]), an_entry(3, subjects=[other])]
    tags = [json.loads(entry.leaf(SECRET))["s"] for entry in entries]
    assert [subject_tag(key, entry.id) in marks for entry, marks in zip(entries, tags, strict=True)] == [1, 1, 0]
    assert len({mark for marks in tags for mark in marks}) == 24, "no mark occurs twice, so nobody else links them"
    assert tags[1] == sorted(tags[1])


@pytest.mark.rule("ENQ-5")
@pytest.mark.parametrize(("children", "tags"), [(0, 8), (1, 8), (2, 8), (8, 8), (9, 16)])
def test_a_leaf_does_not_tell_how_many_children_it_concerns(children: int, tags: int) -> None:
    concerned = [subject_key(MASTER, uuid4()) for _ in range(children)]
    nobody, some = (an_entry(1, subjects=subjects).leaf(SECRET) for subjects in ([], concerned))
    assert len(json.loads(some)["s"]) == tags
    assert len(some) - len(nobody) == (tags - 8) * len('"AAAAAAAAAAAAAAAAAAAAAA",')


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_keys_are_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        salt(bytes(length), "who")
    with pytest.raises(ValueError, match="32 bytes"):
        subject_key(bytes(length), uuid4())
    with pytest.raises(ValueError, match="32 bytes"):
        subject_tag(bytes(length), uuid4())


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Enquiry"},
        {"kind": "enquiry received"},
        {"kind": ""},
        {"fields": {"Who": "x"}},
        {"fields": {'wh"o': "x"}},
        {"fields": {"w" * 256: "x"}},
        {"reference": "Testperson Quillon"},
        {"reference": "E 1"},
        {"reference": ""},
    ],
)
def test_nothing_but_codes_stands_in_the_open(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="code"):
        replace(an_entry(1), **change).leaf(SECRET)  # type: ignore[arg-type]


def test_an_entry_fits_a_bundle_or_is_refused() -> None:
    many = {f"field_{number}": "x" for number in range(2_000)}
    with pytest.raises(ValueError, match="longer"):
        replace(an_entry(1), fields=many).leaf(SECRET)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda leaf: leaf + b" ",
        lambda leaf: leaf.replace(b'"v":1', b'"v":2'),
        lambda leaf: leaf.replace(b'"v":1', b'"v":1,"x":1'),
        lambda leaf: leaf.replace(b'"t":"enquiry.received"', b'"t":7'),
        lambda leaf: leaf.replace(b'"ref":"E-0"', b'"ref":7'),
        lambda leaf: leaf.replace(b'["asked",', b'["who",'),
        lambda leaf: b"[" * 100_000,
        lambda leaf: b"null",
        lambda leaf: b"\xff",
    ],
)
def test_the_verifier_reads_no_other_form(spoil) -> None:  # type: ignore[no-untyped-def]
    leaf = replace(an_entry(1), id=UUID(int=5), at=AT).leaf(SECRET)
    assert verify.parsed(leaf)
    with pytest.raises(verify.DoesNotHold):
        verify.parsed(spoil(leaf))
