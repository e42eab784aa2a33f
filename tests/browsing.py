"""A browser as far as signing in needs one: cookies, redirects taken by hand, forms, and the headers of its own pages.

It goes through the development provider, or through one outside. What a real browser adds is proven in
``tests/browser``.
"""

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from builders import BASE_URL, World
from external_provider import CLIENT_ID, SECRET, ExternalProvider

COOKIE = "__Host-registry-session"
ATTEMPT_COOKIE = "__Host-registry-sign-in"
PROVIDER = f"{BASE_URL}/development/provider"


class Browser:
    """One browser, with cookies of its own."""

    def __init__(self, world: World) -> None:
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=world.app), base_url=BASE_URL)
        self.csrf_token = ""

    @property
    def session(self) -> str | None:
        return self.http.cookies.get(COOKIE)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.http.get(path, **options)

    async def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send what a script of our own page would send."""
        headers = {
            "Sec-Fetch-Site": "same-origin",
            "Origin": BASE_URL,
            "X-CSRF-Token": self.csrf_token,
            **options.pop("headers", {}),
        }
        return await self.http.request(method, path, headers=headers, **options)

    async def begin(self, path: str = "/sign-in") -> str:
        """Begin a sign-in and return the address at the provider."""
        answer = await self.get(path)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def choose(self, at_provider: str, subject: str, acr: str = "aal2") -> str:
        """Be somebody at the development provider, and return the address to come back to."""
        shown = await self.get(at_provider)
        assert shown.status_code == 200, shown.text
        asked = re.search(r'name="asked" value="([^"]*)"', shown.text)
        assert asked
        form = {"asked": html.unescape(asked[1]), "subject": subject, "acr": acr}
        answer = await self.http.post(f"{PROVIDER}/authorize", data=form)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def sign_in(self, subject: str, acr: str = "aal2", path: str = "/sign-in") -> httpx2.Response:
        """Sign in, or step up, and remember the token of the session's pages."""
        answer = await self.get(await self.choose(await self.begin(path), subject, acr))
        if answer.status_code == 200:
            self.csrf_token = (await self.get("/session")).json()["csrf_token"]
        return answer


class OutsideBrowser(Browser):
    """One that is sent to a provider outside, over real HTTP."""

    async def choose(self, at_provider: str, subject: str = "", acr: str = "") -> str:
        """Go to the provider, which knows whose browser it is, and return the address to come back to."""
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.get(at_provider)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])


def identity_file(
    folder: Path, provider: ExternalProvider, *, private_jwk: Mapping[str, Any] | None = None, **changes: str
) -> Path:
    """Write the file by which a deployment knows the provider; ``changes`` are TOML, replacing or adding keys."""
    credential = folder / "credential"
    credential.write_text(json.dumps(private_jwk) if private_jwk else SECRET)
    credential.chmod(0o600)
    written = {
        "issuer": json.dumps(provider.issuer),
        "client_id": json.dumps(CLIENT_ID),
        "authentication": json.dumps(provider.authentication),
        "credential_file": '"credential"',
        "algorithms": '["ES256", "RS256"]',
        "staff_claim": '"staff"',
        "assurance": '{ claim = "acr", levels = { one-factor = "aal1", two-factor = "aal2" } }',
        "step_up": '{ acr_values = "two-factor" }',
        **changes,
    }
    file = folder / "identity.toml"
    file.write_text("[sign_in]\n" + "".join(f"{name} = {value}\n" for name, value in written.items()))
    return file
