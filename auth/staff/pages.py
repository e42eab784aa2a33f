"""Plain HTML for people: pages that need no script and nothing from elsewhere, and that a telephone shows as well.

What a page may do is in its headers: a single style sheet, known by its hash; forms only where it has some; never in
a frame, never beside a window of another site.
"""

import base64
import hashlib
from datetime import datetime, tzinfo
from html import escape

from fastapi.responses import HTMLResponse

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.125rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:38rem;padding:1rem;overflow-wrap:anywhere}"
    "h1{font-size:1.5rem;line-height:1.25}dt{font-weight:bold}dd{margin:0 0 .75rem}"
    "button,select{font:inherit;min-height:2.75rem;max-width:100%;padding:.25rem 1rem}"
    "form{margin:1rem 0}a{display:inline-block;padding:.5rem 0}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action {{form_action}}; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def page(
    title: str, *body: str, status: int = 200, go_on_to: str | None = None, form_action: str | None = None
) -> HTMLResponse:
    """Return a page.

    Args:
        title: plain text.
        body: HTML, block by block.
        status: of the answer.
        go_on_to: where it goes by itself.
        form_action: where its forms may lead, redirects included (Content Security Policy); None where it has none.
    """
    goes_on = f'<meta http-equiv="refresh" content="0; url={escape(go_on_to)}">' if go_on_to else ""
    # An empty icon, or the browser asks for one that is not there.
    html = (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"{goes_on}<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{''.join(body)}</main></body></html>"
    )
    headers = {
        "Content-Security-Policy": _POLICY.format(form_action=form_action or "'none'"),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # Under no-referrer, a browser says of its forms that they come from nowhere (Origin: null, Fetch standard).
        "Referrer-Policy": "no-referrer" if form_action is None else "same-origin",
    }
    return HTMLResponse(html, status, headers)


def paragraph(text: str) -> str:
    """Return plain text as a paragraph."""
    return f"<p>{escape(text)}</p>"


def link(url: str, text: str) -> str:
    """Return a link as a paragraph."""
    return f'<p><a href="{escape(url)}">{escape(text)}</a></p>'


def button(url: str, text: str, fields: dict[str, str]) -> str:
    """Return a form of a single button that posts ``fields``."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    return f'<form method="post" action="{escape(url)}">{hidden}<button type="submit">{escape(text)}</button></form>'


def facts(said: dict[str, str]) -> str:
    """Return a list of names and values."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in said.items())}</dl>"


def moment(at: datetime, zone: tzinfo) -> str:
    """Return a time as people in ``zone`` read it."""
    return at.astimezone(zone).strftime("%d %B %Y, %H:%M %Z").lstrip("0")
