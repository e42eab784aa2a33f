"""The logins of a service in the cluster of a test run: each a member of one role of the database, and of no other."""

import secrets

from sqlalchemy.engine import make_url

from registry_api.kernel import roles
from registry_api.kernel.roles import DatabaseUrls, Role

_PASSWORD = secrets.token_urlsafe(16)
_LOGINS = {role: f"{role}_test_{secrets.token_hex(4)}" for role in (*roles.SERVING, Role.AUDITOR)}

MAKE = [line for role, login in _LOGINS.items() for line in roles.login(role, login, _PASSWORD)]
DROP = [f"DROP ROLE IF EXISTS {login}" for login in _LOGINS.values()]


def url_as(role: Role, owner_url: str) -> str:
    """Return the URL of the same database under the login of a role."""
    url = make_url(owner_url).set(username=_LOGINS[role], password=_PASSWORD)
    return url.render_as_string(hide_password=False)


def service_urls(owner_url: str) -> DatabaseUrls:
    """Return where a service signs in to the same database."""
    return DatabaseUrls(*(url_as(role, owner_url) for role in roles.SERVING))


def service_environment(owner_url: str) -> dict[str, str]:
    """Return the settings of a service over this database, and of the commands of its operator."""
    urls = service_urls(owner_url)
    return {
        "REGISTRY_DATABASE_URL": owner_url,
        "REGISTRY_API_DATABASE_URL": urls.api,
        "REGISTRY_REGISTER_DATABASE_URL": urls.register,
        "REGISTRY_SEQUENCER_DATABASE_URL": urls.sequencer,
    }
