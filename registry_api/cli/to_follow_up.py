"""What waits for the staff, as they read it on the terminal: notifications, considerations, alerts."""

from collections.abc import Mapping
from typing import Any

from registry_api.cli.output import day, moment, person, plain


def child_said(child: Mapping[str, Any]) -> str:
    """Return what was said of a child, in a line or two."""
    name = f"{child.get('given_names', '')} {child.get('family_name', '')}".strip()
    homes = [child.get("address") or child.get("address_here"), *child.get("previous_addresses", ())]
    mother = child.get("mother") or {}
    said = (
        name,
        child.get("date_of_birth") and f"born {day(child['date_of_birth'])}",
        child.get("age_years") is not None and f"aged {child['age_years']}",
        child.get("expected_delivery_date") and f"expected {day(child['expected_delivery_date'])}",
        child.get("nhs_number") and f"NHS number {child['nhs_number']}",
        *(f"{home.get('lines', '')} {home.get('postcode', '')}".strip() for home in homes if home),
        mother and f"mother {mother.get('given_names', '')} {mother.get('family_name', '')}",
    )
    return ", ".join(part for part in said if part)


def subject_rows(about: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return the enquiry or the transfer that a notification or consideration is about."""
    if not about:
        return []
    details = about["details"]
    reason = details.get("reason")
    why = f"{plain(reason)}, {details.get('urgency')}: {details.get('reason_text')}" if reason else ""
    due = details.get("conference_due")
    return [
        ("From", person(about["by"])),
        ("Call back", details.get("call_back_number", "")),
        ("About", child_said(details.get("child", {}))),
        ("Why", why),
        ("Conference due", day(due)),
        ("Answered", plain(details.get("outcome", ""))),
        ("Reference", f"{about['reference']}, received {moment(about['received_at'])}"),
    ]


def notification_rows(notification: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a notification as the one who has to follow it up needs it."""
    children = (
        f"{child['name']}, {day(child.get('date_of_birth') or child.get('expected_delivery_date'))}"
        for child in notification["children"]
    )
    return [
        ("What", notification["what_it_means"]),
        ("Urgency", notification["urgency"]),
        ("Why you", plain(notification["why_you"])),
        ("Child", "\n".join(children)),
        ("May pose a risk", "\n\n".join(_risk(one) for one in notification.get("people", ()))),
        ("Police", "\n".join(f"{one['name']}: {one['phone']}" for one in notification.get("police", ()))),
        *subject_rows(notification.get("about")),
        ("Consideration", notification.get("consideration_id") or ""),
        ("Alert", notification.get("alert_id") or ""),
        ("Picked up", moment(notification.get("acknowledged_at"))),
        ("Notification", notification["id"]),
    ]


def _risk(known: Mapping[str, Any]) -> str:
    born = f", born {day(known['date_of_birth'])}" if known.get("date_of_birth") else ""
    notified = f"notified by {known['notified_by']} on {day(known['notified_on'])}"
    return f"{known['name']}{born}\n{known['concern']}; {notified}"


def consideration_rows(consideration: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a consideration with the enquiries behind it."""
    overdue = " (overdue)" if consideration["overdue"] else ""
    behind = [row for number, about in enumerate(consideration["enquiries"], 1) for row in _numbered(number, about)]
    return [
        ("Opened", moment(consideration["opened_at"])),
        ("Due on", f"{day(consideration['due_on'])}{overdue}"),
        *behind,
        ("Decided", plain(consideration.get("decision") or "")),
        ("Reason", consideration.get("reason") or ""),
        ("Version", str(consideration["version"])),
        ("Consideration", consideration["id"]),
    ]


def _numbered(number: int, about: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(f"{number}. {label}", said) for label, said in subject_rows(about)]


def alert_rows(alert: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return an alert as whoever decides it needs it: what was seen, of whom, when, and nothing of any child."""
    about = alert["about"]
    first, last = moment(alert["since"]), moment(alert["until"])
    shown = [f"{one['reference']}, {moment(one['received_at'])}, {one['by']}" for one in alert["enquiries"]]
    if alert["how_many"] > len(shown):
        shown.insert(0, f"The newest {len(shown)} of {alert['how_many']}:")
    return [
        ("What was seen", alert["explanation"]),
        ("Of whom", person(about) if about.get("name") else f"Everybody of {about['organisation']} together"),
        ("When", first if first == last else f"{first} to {last}"),
        ("Enquiries", "\n".join(shown)),
        ("Raised", moment(alert["raised_at"])),
        ("To decide", plain(alert["owner"])),
        ("Decided", _decided(alert)),
        ("Reason", alert.get("reason") or ""),
        ("Version", str(alert["version"])),
        ("Alert", alert["id"]),
    ]


def _decided(alert: Mapping[str, Any]) -> str:
    return f"{plain(alert['decision'])}, {moment(alert['decided_at'])}" if alert.get("decision") else ""
