"""What people read on their way in, out, and where it does not go on.

Each page says how things stand and leads on from there: nobody is left with an answer meant for programs.
"""

from datetime import datetime, timedelta, tzinfo

from fastapi import Request, Response

from auth.staff import pages
from auth.staff.sessions import CSRF_FIELD, Session
from policies.enquirer import Assurance

ACCOUNT = "/account"
SIGN_IN = "/sign-in"
STEP_UP = "/sign-in/step-up"
SIGN_OUT = "/sign-out"
EVERYWHERE = "everywhere"
"""The field of the form that ends all of somebody's sessions."""
_HOW_SURELY = {
    Assurance.STATED: "it is not known how",
    Assurance.AAL1: "one factor",
    Assurance.AAL2: "two factors",
    Assurance.AAL3: "two factors, one of them a device that cannot be copied",
}


def signed_in(goal: str) -> Response:
    """Return the page after signing in, which goes on to ``goal`` by itself."""
    return pages.page("You are signed in", pages.link(goal, "Go on"), go_on_to=goal)


def account(
    base_url: str, session: Session, *, stepped_up_until: datetime | None, idle: timedelta, elsewhere: int, zone: tzinfo
) -> Response:
    """Return the page of somebody's own session; ``elsewhere`` is how many others they have."""
    said = {
        "Known here as": session.staff_subject,
        "Role": session.enquirer.role.replace("_", " "),
        "Signed in with": _HOW_SURELY[session.row.assurance],
        "Restricted records": (
            f"can be opened until {pages.moment(stepped_up_until, zone)}"
            if stepped_up_until
            else "are closed until you prove yourself anew"
        ),
        "Signed in until": (
            f"{pages.moment(session.row.expires_at, zone)}, or {int(idle.total_seconds() // 60)} minutes after you "
            "last did anything here"
        ),
    }
    ways = [
        pages.link(base_url + STEP_UP, "Prove yourself anew"),
        pages.button(base_url + SIGN_OUT, "Sign out", {CSRF_FIELD: session.csrf_token}),
    ]
    if elsewhere:
        said["Signed in elsewhere"] = f"{elsewhere} other {'session' if elsewhere == 1 else 'sessions'}"
        fields = {CSRF_FIELD: session.csrf_token, EVERYWHERE: "yes"}
        ways.append(pages.button(base_url + SIGN_OUT, "Sign out everywhere", fields))
    return pages.page("You are signed in", pages.facts(said), *ways, form_action="'self'")


def not_signed_in(base_url: str) -> Response:
    """Return the page for whoever has no session, or none any more."""
    return pages.page("You are not signed in", pages.link(base_url + SIGN_IN, "Sign in"), status=401)


def signed_out(base_url: str, at_provider: str | None) -> Response:
    """Return the page after signing out; ``at_provider`` is where one may sign out of the provider as well."""
    ways = [pages.link(base_url + SIGN_IN, "Sign in again")]
    if at_provider is not None:
        why = "Your sign-in service may still know you: whoever uses this device next could sign in as you."
        ways = [
            pages.paragraph(why), pages.link(at_provider, "Sign out of everything at your sign-in service"), *ways
        ]  # fmt: skip
    return pages.page("You are signed out", *ways)


def refused(base_url: str, *, person: bool) -> Response:
    """Return the page for a sign-in that came to nothing; ``person``: the provider's person may not sign in here."""
    again = pages.link(base_url + SIGN_IN, "Sign in again")
    if person:
        why = "Your sign-in service knows you, but you may not sign in here. Ask whoever keeps the directory."
        return pages.page("You may not sign in here", pages.paragraph(why), again, status=403)
    why = "It took too long, was ended already, or was not confirmed. If an enquiry cannot wait, telephone."
    see = pages.link(base_url + ACCOUNT, "See whether you are signed in")
    return pages.page("This sign-in did not come to its end", pages.paragraph(why), again, see, status=400)


def unavailable(base_url: str) -> Response:
    """Return the page for a provider that does not answer."""
    why = "Your sign-in service cannot be reached. If an enquiry cannot wait, telephone."
    shown = pages.page(
        "You are not signed in", pages.paragraph(why), pages.link(base_url + SIGN_IN, "Try again"), status=503
    )
    shown.headers["Retry-After"] = "10"
    return shown


def instead_of_problem(request: Request, title: str, detail: str, status: int) -> Response | None:
    """Return a problem as a page, where a person's browser wants to show one; None for programs and for the API.

    Args:
        request: that went wrong.
        title: of the problem.
        detail: what to do about it.
        status: of the answer.
    """
    staff = getattr(request.app.state, "staff", None)
    wants_page = "text/html" in request.headers.get("accept", "")
    if staff is None or not wants_page or request.url.path.startswith("/api/"):
        return None
    if status == 401:
        return not_signed_in(staff.base_url)
    see = pages.link(staff.base_url + ACCOUNT, "See whether you are signed in")
    return pages.page(title, pages.paragraph(detail), see, status=status)
