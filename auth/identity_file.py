"""The identity file: who vouches for individuals. TOML, named by ``REGISTRY_IDENTITY_FILE``, read once at the start.

It holds the providers of other organisations (``[[provider]]``), the one at which the authority's own staff sign in
(``[sign_in]``), and the way out to them. Nothing in it is secret.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from auth.providers import IdentityInvalid, Provider, ProviderTable, providers_of
from policies.written import Table, Text, read_table

_PROXY = re.compile(r"http://[A-Za-z0-9.\-\[\]:]+")
"""What travels through it is encrypted up to the provider, whatever leads to the proxy itself."""


class _File(Table, frozen=True):
    provider: tuple[ProviderTable, ...] = ()
    sign_in: dict[str, object] | None = None
    proxy: Text | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What the file says.

    ``providers``: by the code of each organisation that has one. ``sign_in`` is still as written, for whoever signs
    staff in to read with ``policies.written.read_table``; ``folder`` is where its relative paths begin. ``proxy`` is an
    HTTP proxy through which providers are reached.
    """

    providers: Mapping[str, Provider] = field(default_factory=dict)
    sign_in: Mapping[str, object] | None = None
    proxy: str | None = None
    folder: Path = Path()


def read_identity_file(file: Path | None, *, development: bool) -> Identity:
    """Return what the file says; nobody vouches for anybody where there is none.

    Args:
        file: its path.
        development: allow addresses of this machine without TLS.

    Raises:
        IdentityInvalid: it cannot be read, is not TOML, or a key is missing, unknown or makes no sense.
    """
    if file is None:
        return Identity()
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise IdentityInvalid(file.name, f"it cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise IdentityInvalid(file.name, f"not TOML: {error}") from error
    written = read_table(document, _File, "", IdentityInvalid)
    if written.proxy is not None and _PROXY.fullmatch(written.proxy) is None:
        raise IdentityInvalid("proxy", "an address such as http://proxy.example:3128")
    folder = file.parent
    providers = providers_of(written.provider, folder=folder, proxy=written.proxy, development=development)
    return Identity(providers, written.sign_in, written.proxy, folder)
