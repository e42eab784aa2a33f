"""Signing in as a real browser does it: what it holds, what it sends along, what it refuses, and what it shows.

Most of it on a telephone of 320 pixels and without scripts: that has to be enough.
"""

from collections.abc import Callable
from typing import Any

import pytest
from external_provider import ExternalProvider, Given
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.xdist_group("browser")
"""In one process, which starts the services once."""
SESSION, ATTEMPT = "__Host-registry-session", "__Host-registry-sign-in"
Browse = Callable[..., tuple[Page, Any]]


def _fits(page: Page) -> bool:
    """Whether nothing has to be scrolled to the side."""
    return bool(page.locator("html").evaluate("all => all.scrollWidth <= all.clientWidth"))


def _held(page: Page) -> dict[str, Any]:
    return {cookie["name"]: cookie for cookie in page.context.cookies()}


@pytest.mark.parametrize("scripts", [False, True], ids=["without scripts", "with scripts"])
def test_from_signing_in_to_signing_out(browse: Browse, service: str, scripts: bool) -> None:
    page, seen = browse(service, scripts=scripts)
    page.goto("/account")
    expect(page).to_have_title("You are not signed in")
    page.get_by_role("link", name="Sign in").click()
    assert _fits(page)
    page.get_by_role("button", name="sm-1").click()
    page.wait_for_url("**/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed in")
    expect(page.get_by_text("safeguarding manager")).to_be_visible()
    expect(page.get_by_text("are closed until you prove yourself anew")).to_be_visible()
    assert _fits(page)

    session = _held(page)[SESSION]
    assert {name: session[name] for name in ("domain", "path", "httpOnly", "secure", "sameSite", "expires")} == {
        "domain": "localhost", "path": "/", "httpOnly": True, "secure": True, "sameSite": "Strict", "expires": -1,
    }  # fmt: skip
    attempt = _held(page)[ATTEMPT]
    assert (attempt["httpOnly"], attempt["secure"], attempt["sameSite"]) == (True, True, "Lax")
    assert page.evaluate("document.cookie") == ""

    page.get_by_role("link", name="Prove yourself anew").click()
    page.get_by_role("button", name="sm-1").click()
    page.wait_for_url("**/account")
    expect(page.get_by_text("can be opened until")).to_be_visible()
    assert _held(page)[SESSION]["value"] != session["value"]

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_title("You are signed out")
    assert _held(page) == {}
    assert _fits(page)
    page.go_back()
    page.reload()
    expect(page).to_have_title("You are not signed in")

    assert seen.complaints == []
    assert seen.elsewhere == []
    assert set(seen.failures()) == {(401, "/account")}


def test_signing_out_everywhere_ends_the_other_browser_too(browse: Browse, service: str) -> None:
    windows = [browse(service, scripts=False)[0] for _ in range(2)]
    for page in windows:
        page.goto("/sign-in")
        page.get_by_role("button", name="kw-2").click()
        page.wait_for_url("**/account")
    expect(page.get_by_text("1 other session")).to_be_visible()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page).to_have_title("You are signed out")
    windows[0].goto("/account")
    expect(windows[0]).to_have_title("You are not signed in")


def test_two_windows_of_one_browser_both_come_to_their_end(browse: Browse, service: str) -> None:
    one, _ = browse(service)
    two = one.context.new_page()
    for page in (one, two):
        page.goto("/sign-in")
    for page in (one, two):
        page.get_by_role("button", name="kw-1").click()
        page.wait_for_url("**/account")
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed in")
    expect(two.get_by_text("Signed in elsewhere")).to_have_count(0)


def test_a_provider_on_another_site_leads_back_into_a_session(
    browse: Browse, service_with_provider: str, outside: ExternalProvider
) -> None:
    # A browser that comes from another site brings no strict cookie along: the page in between is what helps.
    page, seen = browse(service_with_provider, scripts=False)
    outside.person = "kw-1"
    page.goto("/sign-in")
    page.wait_for_url("**/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed in")
    assert "code=" not in page.url
    page.get_by_role("link", name="Prove yourself anew").click()
    page.wait_for_url("**/account")
    expect(page.get_by_text("can be opened until")).to_be_visible()
    assert seen.complaints == []
    assert seen.failures() == []
    assert {url.partition("?")[0] for url in seen.elsewhere} == {f"{outside.issuer}/authorize"}
    # Nothing of an address of ours reaches the provider.
    assert not any("referer" in request.headers for request in outside.paths("/authorize"))


def _form(action: str) -> str:
    return (
        f'<!doctype html><title>Win a prize</title><form method="post" action="{action}">'
        '<input type="hidden" name="csrf_token" value="guessed"><button>Win</button></form>'
    )


@pytest.mark.parametrize(
    ("host", "title"),
    [("127.0.0.1", "You are not signed in"), ("localhost", "The request does not come from a page of this service")],
    ids=["another site", "another origin of the same site"],
)
def test_a_form_of_somebody_elses_page_signs_nobody_out(
    browse: Browse, service: str, outside: ExternalProvider, host: str, title: str
) -> None:
    page, seen = browse(service)
    page.goto("/sign-in")
    page.get_by_role("button", name="kw-1").click()
    page.wait_for_url("**/account")
    html = Given(200, _form(f"{service}/sign-out").encode(), (("Content-Type", "text/html"),))
    outside.instead["/prize"] = html
    page.goto(f"{outside.issuer.replace('127.0.0.1', host)}/prize")
    page.get_by_role("button", name="Win").click()
    expect(page).to_have_title(title)
    page.goto("/account")
    expect(page).to_have_title("You are signed in")
    assert {status for status, path in seen.failures() if path == "/sign-out"} <= {401, 403}


def test_no_page_of_ours_shows_in_somebody_elses_frame(browse: Browse, service: str, outside: ExternalProvider) -> None:
    page, _ = browse(service)
    frame = f'<!doctype html><title>Frame</title><iframe src="{service}/account"></iframe>'.encode()
    outside.instead["/frame"] = Given(200, frame, (("Content-Type", "text/html"),))
    page.goto(f"{outside.issuer}/frame")
    expect(page.frame_locator("iframe").get_by_text("You are not signed in")).to_have_count(0)
