"""Pages: whatever stands in them is text, and what they may do is in their headers."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from fastapi import Response
from staff_doubles import enquirer

from auth.staff import answers, pages
from auth.staff.protocols import SessionRow
from auth.staff.sessions import Session
from policies.enquirer import Assurance

NOW = datetime(2026, 7, 4, 2, 5, tzinfo=UTC)
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;"


class Read(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(bytes(response.body).decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _session(subject: str = "kw-1") -> Session:
    row = SessionRow(
        digest=bytes(32),
        professional_id=UUID(int=2),
        issuer="https://sign-in.example",
        subject="s",
        sid=None,
        assurance=Assurance.AAL2,
        authenticated_at=NOW,
        stepped_up_at=None,
        started_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + timedelta(hours=10),
    )
    return Session(row, enquirer(UUID(int=2)), subject, "token")


def _account(subject: str = "kw-1", *, until: datetime | None = None, elsewhere: int = 0) -> Response:
    zone = ZoneInfo("Europe/Jersey")
    return answers.account(
        "https://register.test",
        _session(subject),
        stepped_up_until=until,
        idle=timedelta(minutes=20),
        elsewhere=elsewhere,
        zone=zone,
    )


def test_what_stands_in_a_page_is_text_and_nothing_else() -> None:
    button = pages.button(HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    body = (pages.paragraph(HOSTILE), pages.link(HOSTILE, HOSTILE), pages.facts({HOSTILE: HOSTILE}), button)
    read = Read(pages.page(HOSTILE, *body, go_on_to=HOSTILE))
    assert {name for name, _ in read.elements} == {
        "html", "head", "meta", "link", "title", "style", "body", "main", "h1", "p", "a", "dl", "dt", "dd", "form",
        "input", "button",
    }  # fmt: skip
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert read.text.count(HOSTILE) == 7
    assert read.every("a") == [{"href": HOSTILE}]


def test_a_hostile_name_of_a_person_is_shown_and_does_nothing() -> None:
    read = Read(_account(HOSTILE))
    assert HOSTILE in read.text
    assert not read.every("script")
    assert not read.every("img")


@pytest.mark.parametrize(
    ("form_action", "forms", "referrer"), [(None, "'none'", "no-referrer"), ("'self'", "'self'", "same-origin")]
)
def test_a_page_may_do_nothing_but_what_it_is_for(form_action: str | None, forms: str, referrer: str) -> None:
    page = pages.page("Title", form_action=form_action)
    said = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    style = re.search(r"<style>(.*?)</style>", bytes(page.body).decode())
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert said == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "form-action": forms,
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert page.headers["cross-origin-resource-policy"] == "same-origin"
    assert page.headers["referrer-policy"] == referrer


def test_the_page_of_a_session_says_how_things_stand_by_the_local_clock() -> None:
    text = Read(_account()).text
    assert "4 July 2026, 13:05 BST, or 20 minutes after you last did anything here" in text
    assert "are closed until you prove yourself anew" in text
    assert "Sign out everywhere" not in text
    text = Read(_account(until=NOW + timedelta(minutes=10), elsewhere=2)).text
    assert "can be opened until 4 July 2026, 03:15 BST" in text
    assert "2 other sessions" in text
    assert "Sign out everywhere" in text


@pytest.mark.parametrize(
    ("page", "status"),
    [
        (answers.signed_in("https://register.test/account"), 200),
        (answers.not_signed_in(""), 401),
        (answers.signed_out("", None), 200),
        (answers.signed_out("", "https://sign-in.example/end?client_id=x"), 200),
        (answers.refused("", person=True), 403),
        (answers.refused("", person=False), 400),
        (answers.unavailable(""), 503),
        (_account(), 200),
    ],
)
def test_every_page_leads_on_and_reads_in_a_language_a_title_and_a_heading(page: Response, status: int) -> None:
    read = Read(page)
    assert page.status_code == status
    assert read.every("html") == [{"lang": "en-GB"}]
    assert len(read.every("h1")) == len(read.every("title")) == len(read.every("main")) == 1
    assert read.every("a")
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in read.every("meta")
