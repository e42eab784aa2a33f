"""The keys of the months: one each, made once whoever makes it, and gone for every process once one destroys it."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from registry_api.kernel.crypto import EnvelopeError, LocalKeys, Vault
from registry_api.kernel.expiry_keys import ExpiryKeys, kid_of, month_of

MONTH, NEXT = date(2051, 4, 1), date(2051, 5, 1)


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "expiry-keys"
    with ThreadPoolExecutor(8) as others:
        made = set(others.map(lambda _: ExpiryKeys(folder).key(MONTH), range(32)))
    assert len(made) == 1
    assert ExpiryKeys(folder).key(NEXT) not in made
    assert [path.name for path in sorted(folder.iterdir())] == ["2051-04-01", "2051-05-01"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    folder.chmod(0o750)
    ExpiryKeys(folder).key(date(2051, 6, 1))
    assert (folder / "2051-06-01").stat().st_mode & 0o777 == 0o640 & ~os.umask(os.umask(0)), "shared with a group"


def test_what_is_destroyed_is_gone_for_every_process(tmp_path: Path) -> None:
    one, other = ExpiryKeys(tmp_path / "keys"), ExpiryKeys(tmp_path / "keys")
    assert one.key(MONTH) == other.key(MONTH)
    assert one.due(date(2051, 3, 31)) == []
    assert one.due(MONTH) == [MONTH]
    one.destroy(MONTH)
    assert (one.find(MONTH), other.find(MONTH), one.due(NEXT)) == (None, None, [])
    with pytest.raises(FileNotFoundError):
        other.destroy(MONTH)


def test_what_is_wrapped_until_a_month_opens_until_its_key_is_gone(tmp_path: Path) -> None:
    keys = LocalKeys.load_or_create(tmp_path / "keys.json")
    vault, row = Vault(keys), UUID(int=1)
    wrapped = vault.wrap("table", row, bytes(32), until=MONTH)
    assert vault.unwrap("table", row, wrapped) == bytes(32)
    assert Vault(LocalKeys.load(tmp_path / "keys.json")).unwrap("table", row, wrapped) == bytes(32)
    with pytest.raises(EnvelopeError):
        vault.unwrap("table", UUID(int=2), wrapped)
    carried = vault.wrap_anew("table", row, wrapped, NEXT)
    assert keys.expiry is not None
    keys.expiry.destroy(MONTH)
    with pytest.raises(EnvelopeError):
        vault.unwrap("table", row, wrapped)
    assert vault.unwrap("table", row, carried) == bytes(32)


def test_the_folder_alone_opens_nothing(tmp_path: Path) -> None:
    keys = LocalKeys.load_or_create(tmp_path / "keys.json")
    wrapped = Vault(keys).wrap("table", UUID(int=1), bytes(32), until=MONTH)
    other = LocalKeys(1, {1: os.urandom(32)}, bytes(32), keys.expiry)
    with pytest.raises(EnvelopeError):
        Vault(other).unwrap("table", UUID(int=1), wrapped)


def test_key_ids_of_months_and_of_other_keys_are_told_apart() -> None:
    assert month_of(1) is None
    assert month_of(kid_of(MONTH)) == MONTH
    assert month_of(kid_of(date(2000, 1, 1))) == date(2000, 1, 1)
    for wrong in (date(1999, 12, 1), date(2051, 4, 2), date(9999, 1, 1)):
        with pytest.raises(ValueError, match="no month"):
            kid_of(wrong)
