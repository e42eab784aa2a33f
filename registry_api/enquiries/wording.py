"""The words of an answer. Read once, at three in the morning, they say what is known and what to do."""

from registry_api.enquiries.rules import Audience, Outcome

SUMMARY = {
    Outcome.ON_PLAN: "This child is the subject of a child protection plan here.",
    Outcome.TEMPORARY_ENTRY: (
        "This child is the subject of another authority's child protection plan and has moved here. "
        "A temporary entry stands until the transfer-in conference; until then the other authority is responsible."
    ),
    Outcome.OPEN_CASE: "This child is not on a plan. Children's Services have an open case.",
    Outcome.KNOWN_BEFORE: "This child has no open case now but was known to Children's Services before.",
    Outcome.KNOWN: "This child is known to Children's Services. More than that cannot be told to your organisation.",
    Outcome.CALL_BACK: "This enquiry has to be answered by a manager, who will call you back.",
    Outcome.MORE_INFORMATION_NEEDED: (
        "On the details given it cannot be said whether this child is known. More information is needed."
    ),
    Outcome.NOT_KNOWN: "No child was found on the details given.",
    Outcome.NOT_KNOWN_ASKED_AGAIN: "No child was found on the details given. You have asked about this child before.",
    # Perhaps by the enquirer's own self, long enough ago: so not "by somebody else".
    Outcome.NOT_KNOWN_SECOND_ENQUIRY: (
        "No child was found on the details given, but this child has been asked about before."
    ),
    Outcome.ADDRESS: "This is what is known of children on plans at the address given.",
}

_IN_DANGER = "If the child is in immediate danger, act now: call 999. Do not wait for a call back."
_REFER = "If you are concerned about the child, make a referral to Children's Services on the number shown."
_CALL_BACK = "Children's Services may call you back on the number you gave. Keep the reference."
_NO_REASSURANCE = "That nobody was found does not mean that the child is safe, or that nobody is worried."

ADVICE = {
    Outcome.ON_PLAN: (
        _IN_DANGER,
        "Tell the key worker, or the service shown if they cannot be reached, what you have seen or been told.",
    ),
    Outcome.TEMPORARY_ENTRY: (
        _IN_DANGER,
        "Tell the responsible authority's key worker, and the service shown here, what you have seen or been told.",
    ),
    Outcome.OPEN_CASE: (
        _IN_DANGER,
        "Tell the key worker, or the service shown if they cannot be reached, what you have seen or been told.",
    ),
    Outcome.KNOWN_BEFORE: (_IN_DANGER, _REFER, _CALL_BACK),
    Outcome.KNOWN: (
        _IN_DANGER,
        "Tell the key worker, or where none is shown or reached the service shown, what you have seen or been told.",
    ),
    Outcome.CALL_BACK: (
        _IN_DANGER,
        "If it cannot wait, call the service shown now and give the reference.",
        "Do not take the wait as an answer either way.",
    ),
    Outcome.MORE_INFORMATION_NEEDED: (
        _IN_DANGER,
        "Ask again with more of the details listed, or call the service shown and give the reference.",
    ),
    Outcome.NOT_KNOWN: (_IN_DANGER, _NO_REASSURANCE, _REFER, _CALL_BACK),
    Outcome.NOT_KNOWN_ASKED_AGAIN: (_IN_DANGER, _NO_REASSURANCE, _REFER, _CALL_BACK),
    Outcome.NOT_KNOWN_SECOND_ENQUIRY: (
        _IN_DANGER,
        _NO_REASSURANCE,
        "This is not the first concern about this child: make a referral to Children's Services on the number shown.",
        _CALL_BACK,
    ),
    Outcome.ADDRESS: (_IN_DANGER, "Follow up with the key workers named."),
}

# The same list for everybody: it must not say which detail agreed with an entry.
MORE_INFORMATION = (
    "the full date of birth",
    "all names the child uses or has used",
    "the address now and before",
    "the mother's full name",
    "the NHS number, if the child has one",
)

_TOLD = {
    Audience.KEY_WORKER: "The child's key worker, or whoever stands in for them, has been told of your enquiry.",
    Audience.DUTY: "The duty social worker has been told of your enquiry.",
    Audience.DUTY_AT_ONCE: "The duty social worker has been told of your enquiry, to act at once.",
    Audience.SAFEGUARDING_MANAGER: "The safeguarding manager has been told of your enquiry.",
    Audience.CONSIDERATION: ("The safeguarding manager has been asked to decide whether this may be a child in need."),
}

_UNTOLD = {Audience.NEIGHBOURS, Audience.PERSON_AT_ADDRESS, Audience.CONSIDERATION_PERHAPS}
"""Of whom the enquirer learns nothing (ADR 4)."""

_FOUND = {
    Outcome.ON_PLAN,
    Outcome.TEMPORARY_ENTRY,
    Outcome.OPEN_CASE,
    Outcome.KNOWN_BEFORE,
    Outcome.KNOWN,
    Outcome.ADDRESS,
}
_CAUTION_FOUND = "The answer says what the register holds; it is not the child's whole history."


def told(outcome: Outcome, audiences: tuple[Audience, ...]) -> tuple[str, ...]:
    """Return who was told, in the words of the answer. Nothing is said of neighbours (ENQ-5, CUS-1).

    Of a restricted child it says the same whoever was told: a key worker or the duty would give away how they stand.
    Nor does it say that one of those who may be meant is recorded as missing.
    """
    if outcome is Outcome.CALL_BACK:
        audiences = (Audience.SAFEGUARDING_MANAGER,)
    elif outcome is Outcome.MORE_INFORMATION_NEEDED:
        audiences = tuple(audience for audience in audiences if audience is not Audience.DUTY_AT_ONCE)
    return tuple(_TOLD[audience] for audience in audiences if audience not in _UNTOLD)


def caution(outcome: Outcome) -> str:
    """Return what the answer is worth, in one sentence."""
    if outcome in _FOUND:
        return _CAUTION_FOUND
    return (
        "Only this authority's register was searched, on the details you gave and no others; a child may be known "
        "elsewhere, or here under other details. This answer is no reassurance."
    )


def contact_note(authority: str, *, open_now: bool) -> str:
    """Return why this is the number to call at this hour (ENQ-9)."""
    return (
        f"{authority}: office hours, answered now."
        if open_now
        else f"{authority}: the office is closed; this is the out-of-hours service, answered at night, at weekends "
        "and on public holidays."
    )
