"""Who acts, on the command line: by the organisation's identifier of them, or by an ID token of its sign-in service."""

import io
import sys
from pathlib import Path
from urllib.parse import parse_qs

import httpx2
import pytest

from auth.client import generate_client_key
from registry_api.cli.asking import acting
from registry_api.cli.output import Failure
from registry_api.cli.remote import ClientFile, Remote


def test_an_id_token_is_read_anew_for_each_access_token(tmp_path: Path) -> None:
    credentials = ClientFile("police-system", generate_client_key()[0], "https://register.test")
    file = tmp_path / "id-token"
    asked: list[dict[str, list[str]]] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            origin = credentials.base_url
            return httpx2.Response(200, json={"issuer": origin, "token_endpoint": f"{origin}/oauth2/token"})
        asked.append(parse_qs(request.content.decode()))
        return httpx2.Response(200, json={"access_token": "a-token"})

    remote_service = Remote(credentials, transport=httpx2.MockTransport(handle))
    whom = acting(None, str(file))
    for number, scope in enumerate(("enquiry", "casework")):
        file.write_text(f"id-token-{number}\n")
        remote_service.headers("POST", "/api/v1/enquiries", as_whom=whom, scope=scope)
    assert [form["subject_token"] for form in asked] == [["id-token-0"], ["id-token-1"]]
    assert "assertion" not in asked[0]
    file.write_bytes(b"\xff")
    with pytest.raises(Failure, match="holds no ID token"):
        remote_service.headers("POST", "/api/v1/transfers/in", as_whom=whom, scope="transfer")
    file.unlink()
    with pytest.raises(Failure, match="cannot be read: No such file"):
        remote_service.headers("POST", "/api/v1/transfers/in", as_whom=whom, scope="transfer")


def test_an_id_token_is_taken_from_standard_input_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("id-token\n"))
    with pytest.raises(Failure, match="not both"):
        acting(None, "-", also="-")
    whom = acting(None, "-")
    assert callable(whom)
    assert (whom(), whom()) == ("id-token", "id-token")


@pytest.mark.parametrize("given", [(None, None), ("officer-1", "id-token")])
def test_who_acts_is_said_in_one_way(given: tuple[str | None, str | None]) -> None:
    with pytest.raises(Failure, match="one of them"):
        acting(*given)
