"""The client commands: what is sent, what is read aloud, and what a refusal or a broken line comes to."""

import json
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from auth.client import generate_client_key
from policies.profile import Category
from registry_api.cli import output, remote
from registry_api.cli.output import Failure, answer_rows
from registry_api.cli.remote import ClientFile, Refused, Remote
from registry_api.enquiries.rules import Outcome
from registry_api.enquiries.schemas import (
    Answer,
    ContactNow,
    EarlierEnquiryShown,
    HistoryShown,
    HouseholdShown,
    OwnEarlierEnquiries,
    PersonShown,
    PlanShown,
    ResponsibleAuthorityShown,
    Worth,
)

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
METADATA = {"issuer": "https://register.test", "token_endpoint": "https://register.test/oauth2/token"}
Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def credentials() -> ClientFile:
    return ClientFile("police-system", generate_client_key()[0], "https://register.test")


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of them waited for."""
    made: list[float] = []
    monkeypatch.setattr(remote.time, "sleep", made.append)
    return made


def service(credentials: ClientFile, *answers: httpx2.Response | Exception) -> tuple[Remote, list[httpx2.Request]]:
    """A service that issues tokens and otherwise gives these answers, one after another."""
    waiting, received = list(answers), []

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/.well-known/oauth-authorization-server":
            return httpx2.Response(200, json=METADATA)
        if request.url.path == "/oauth2/token":
            return httpx2.Response(200, json={"access_token": "a-token"})
        received.append(request)
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Remote(credentials, transport=httpx2.MockTransport(handle)), received


def call(service: Remote) -> httpx2.Response:
    return service.call(
        "POST",
        "/api/v1/enquiries",
        as_whom="officer-1",
        scope="enquiry",
        body={"child": {"family_name": "Testfamily"}},
        headers={"Idempotency-Key": "one-and-the-same"},
    )


def test_a_client_file_is_whole_and_for_its_owner_alone(credentials: ClientFile, tmp_path: Path) -> None:
    path = tmp_path / "clients" / "police.json"
    credentials.write(path)
    credentials.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ClientFile.read(path) == credentials
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"client_id": 1, "private_jwk": "secret-part", "base_url": "x"}'])
def test_what_is_no_client_file_is_said_without_quoting_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "police.json"
    path.write_text(text)
    with pytest.raises(Failure, match="is no client file") as failed:
        ClientFile.read(path)
    assert "secret-part" not in str(failed.value)
    assert failed.value.__cause__ is None


def test_what_was_not_recorded_is_sent_again_under_the_same_key(credentials: ClientFile, pauses: list[float]) -> None:
    not_now = httpx2.Response(503, json={"title": "Not now"}, headers={"Retry-After": "2"})
    remote_service, received = service(credentials, not_now, httpx2.ReadError("cut"), httpx2.Response(200, json={}))
    assert call(remote_service).status_code == 200
    assert len(received) == 3
    assert {request.headers["idempotency-key"] for request in received} == {"one-and-the-same"}
    assert len({request.content for request in received}) == 1
    assert pauses == [2.0, 1.0]


def test_a_service_that_keeps_failing_is_given_up_with_its_own_words(credentials: ClientFile) -> None:
    problem = {
        "type": "urn:registry:problem:not-recorded",
        "title": "Cannot record",
        "detail": "Nothing was disclosed.",
    }
    remote_service, received = service(credentials, *(httpx2.Response(503, json=problem) for _ in range(3)))
    with pytest.raises(Refused, match=r"Cannot record\. Nothing was disclosed\.") as refused:
        call(remote_service)
    assert refused.value.code == "not-recorded"
    assert len(received) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 409, 412, 422, 429, 500])
def test_a_refusal_is_not_tried_again(credentials: ClientFile, status: int) -> None:
    remote_service, received = service(credentials, httpx2.Response(status, json={"title": "No"}))
    with pytest.raises(Refused, match="No"):
        call(remote_service)
    assert len(received) == 1


def test_a_service_that_is_not_there_is_one_sentence(credentials: ClientFile) -> None:
    remote_service, _ = service(credentials, httpx2.ConnectError("no route"))
    with pytest.raises(Failure, match=r"The service at https://register\.test is not reached\.") as failed:
        call(remote_service)
    assert "no route" not in str(failed.value)


def test_a_token_is_asked_for_once_for_each_professional_and_scope(credentials: ClientFile) -> None:
    asked: list[bytes] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json=METADATA)
        asked.append(request.content)
        return httpx2.Response(200, json={"access_token": f"token-{len(asked)}"})

    remote_service = Remote(credentials, transport=httpx2.MockTransport(handle))

    def sent(as_whom: str, scope: str) -> str:
        headers = remote_service.headers("POST", "/api/v1/enquiries", as_whom=as_whom, scope=scope)
        assert set(headers) == {"Authorization", "DPoP"}
        return headers["Authorization"]

    assert sent("officer-1", "enquiry") == sent("officer-1", "enquiry") == "DPoP token-1"
    assert sent("officer-2", "enquiry") == "DPoP token-2"
    assert sent("officer-1", "casework") == "DPoP token-3"


def test_what_answers_under_another_name_is_one_sentence(credentials: ClientFile) -> None:
    """Such as a test service behind the name of another: no signature of ours is for it to keep."""
    said = {**METADATA, "issuer": "https://register.other.test"}
    remote_service = Remote(credentials, transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json=said)))
    with pytest.raises(Failure, match="does not call itself that"):
        call(remote_service)


def test_the_words_of_a_refusal_say_what_helps() -> None:
    said = str(
        Refused(
            422,
            {
                "title": "More information is needed",
                "detail": "Too little was given.",
                "needed": ["date_of_birth"],
                "errors": [{"field": "child.sex", "message": "Is none of the codes."}],
                "because": "no_agreement",
                "reference": "E-00000-00000",
            },
        )
    )
    for part in ("Too little was given.", "date of birth", "child.sex: Is none", "no agreement", "E-00000-00000"):
        assert part in said
    assert str(Refused(400, {"error": "invalid_grant"})) == "No token was issued: invalid grant."


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name not in {"outcome", "role", "status", "office_hours", "details_used"}:
                yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, str):
        yield value


def test_nothing_of_an_answer_is_left_out_when_it_is_read_aloud() -> None:
    person = PersonShown(name="Tamsel Testperson", phone="01632 960200", role="key_worker", away=True)
    answer = Answer(
        reference="E-00000-00001",
        received_at=NOW,
        outcome=Outcome.ON_PLAN,
        summary="A summary.",
        plan=PlanShown(status="full", categories=(Category.NEGLECT,), since=NOW.date(), responsible_authority="Home"),
        key_worker=person,
        point_of_contact=PersonShown(name="Corrin Testperson", phone="01632 960201", role="team_manager"),
        responsible_authority=ResponsibleAuthorityShown(
            name="Neighbour",
            key_worker=PersonShown(name="Oswin Testperson", phone="01632 960202", role="key_worker"),
            office_phone="01632 960203",
            out_of_hours_phone="01632 960204",
        ),
        looked_after=True,
        recorded_as_missing=True,
        history=HistoryShown(case_closed_on=date(2021, 5, 1), plan_ended_on=date(2020, 5, 1)),
        earlier_enquiries=(EarlierEnquiryShown(reference="E-00000-00002", received_at=NOW, organisation="School"),),
        your_earlier_enquiries=OwnEarlierEnquiries(count=3, last_reference="E-00000-00003", last_received_at=NOW),
        more_information=("Something more",),
        household=HouseholdShown(children_on_plan=2, key_workers=(person,)),
        told=("Told somebody.",),
        advice=("Do something.",),
        contact_now=ContactNow(service="Duty", phone="01632 960205", office_hours=False, note="A note."),
        worth=Worth(register_of="Here", last_updated_at=NOW, details_used=("name",), caution="A caution."),
        receipt="c2sp.org/tlog-proof@v1\nindex 1233\n",
    )
    document = answer.model_dump(mode="json")
    assert None not in document.values(), "the answer has a field that this test does not know"
    read = "\n".join(said for _, said in answer_rows(document))
    shown = {day: output.day(day) for day in ("2026-03-04", "2021-05-01", "2020-05-01")}
    del document["receipt"]  # a program's; whoever reads is told where it says that they stand
    for part in _strings(document):
        assert shown.get(part, output.moment(part) if part.startswith("2026-03-04T") else part) in read, part
    for part in (
        "3 times",
        "01632 960200 – away now",
        "Children on a plan: 2",
        "is recorded as missing",
        "is looked after",
        "Child protection plan",
        "As entry 1,234 of the access log.",
    ):
        assert part in read


def test_no_text_is_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.console.print(output.facts("[red]Title[/red]", [("Label", "[bold]said[/bold] :smile: [link=x]")]))
    said = capsys.readouterr().out
    assert "[red]Title[/red]" in said
    assert "[bold]said[/bold] :smile: [link=x]" in said


def test_an_enquiry_is_taken_from_standard_input_and_options_take_precedence(
    credentials: ClientFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io
    import sys

    from registry_api.cli import asking, main

    remote_service, received = service(credentials, httpx2.Response(200, json={"outcome": "not_known"}))
    monkeypatch.setattr(asking, "Remote", lambda _: remote_service)
    credentials.write(path := tmp_path / "police.json")
    given = {"child": {"given_names": "Quillon", "family_name": "Testfamily"}, "reason": "injury", "urgency": "routine"}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(given)))
    arguments = ["ask", "--client-file", str(path), "--as", "officer-1", "--from", "-", "--urgency", "urgent", "--json"]
    monkeypatch.setattr(sys, "argv", ["registry-api", *arguments, "--postcode", "JE5 7QX"])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    assert json.loads(capsys.readouterr().out) == {"outcome": "not_known"}
    assert json.loads(received[0].content) == {
        "child": {"given_names": "Quillon", "family_name": "Testfamily", "address": {"postcode": "JE5 7QX"}},
        "reason": "injury",
        "urgency": "urgent",
    }
    assert len(received[0].headers["idempotency-key"]) == 36
