"""The names, streets and places of synthetic registers, read from ``name_pools.toml``.

Promises: what is read is complete, or reading it raises; the words themselves, and why no combination of them points at
anybody, stand in that file.
"""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names that go together, and how often they occur in Jersey and in England, by weight.

    ``feminine``: how the endings of family names change for women. ``two_families``: the child commonly bears the
    mother's family name and then the father's.
    """

    jersey: int
    england: int
    girls: tuple[str, ...]
    boys: tuple[str, ...]
    families: tuple[str, ...]
    feminine: dict[str, str] = {}
    two_families: bool = False


class Country(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where people live: places, streets by beginning and ending, houses with a name, postcode districts."""

    places: tuple[str, ...]
    street_beginnings: tuple[str, ...]
    street_endings: tuple[str, ...]
    houses: tuple[str, ...]
    postcodes: tuple[str, ...]


class Pools(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. ``nicknames``: a short name by the name it is short for."""

    origins: tuple[Origin, ...]
    nicknames: dict[str, str]
    jersey: Country
    england: Country


@cache
def load_pools() -> Pools:
    """Return the pools, read once. Raises msgspec.ValidationError when the file is not whole."""
    raw = tomllib.loads((files("registry_api.register") / "name_pools.toml").read_text("utf-8"))
    for table in (*raw["origins"], raw["jersey"], raw["england"]):
        for key, value in table.items():
            if isinstance(value, str):
                table[key] = [word.replace("_", " ") for word in value.split()]
    return msgspec.convert(raw, Pools)
