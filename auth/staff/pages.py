"""The few pages of signing in: plain HTML that needs no script, no style sheet and nothing from elsewhere."""

from datetime import datetime
from html import escape

from fastapi.responses import HTMLResponse

_POLICY = "default-src 'none'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"


def page(
    title: str, *body: str, status: int = 200, go_on_to: str | None = None, form_action: str = "'self'"
) -> HTMLResponse:
    """Return a page.

    Args:
        title: plain text.
        body: HTML, block by block.
        status: of the answer.
        go_on_to: where it goes by itself.
        form_action: where its forms may lead, redirects included (Content Security Policy).
    """
    goes_on = f'<meta http-equiv="refresh" content="0; url={escape(go_on_to)}">' if go_on_to else ""
    html = (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"{goes_on}<title>{escape(title)}</title></head><body><main><h1>{escape(title)}</h1>{''.join(body)}</main>"
        "</body></html>"
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": _POLICY.format(form_action=form_action)})


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


def moment(at: datetime) -> str:
    """Return a time as people read it."""
    return at.strftime("%d %B %Y, %H:%M UTC").lstrip("0")
