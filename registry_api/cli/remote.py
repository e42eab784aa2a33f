"""An organisation's system as it talks to the service: signs, obtains tokens, calls, and takes a no for an answer.

The client file is all that an organisation needs: its client's name, its private key, and where the service is.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from auth.client import OrganisationSigner
from auth.sending import AsProfessional, NoToken, OtherIssuer, Whom
from registry_api.cli.output import Failure, lines, plain

_ATTEMPTS = 3
_LONGEST_PAUSE = 5.0
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ClientFile:
    """The credentials of one client of an organisation, and the base URL of the service."""

    client_id: str
    private_jwk: Mapping[str, Any]
    base_url: str

    @classmethod
    def read(cls, path: Path) -> "ClientFile":
        """Read a client file. Raises Failure when it is not one."""
        try:
            kept = json.loads(path.read_text())
            return cls(str(kept["client_id"]), dict(kept["private_jwk"]), str(kept["base_url"]).rstrip("/"))
        except OSError as error:
            raise Failure(f"The client file {path} cannot be read: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError):
            # Not "from": the text of a JSON error quotes the file, and the file holds a key.
            raise Failure(
                f"{path} is no client file: it holds a JSON object with client_id, private_jwk and base_url."
            ) from None

    def write(self, path: Path) -> None:
        """Write the file whole or not at all, for its owner's eyes only (mode 0600)."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(
                {"client_id": self.client_id, "base_url": self.base_url, "private_jwk": self.private_jwk},
                file,
                indent=2,
            )
        draft.replace(path)


class Refused(Failure):
    """The service said no. ``status`` is that of HTTP; ``problem`` the document (RFC 9457, or RFC 6749 for a token)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        """Put the document into words."""
        super().__init__(_in_words(status, problem))
        self.status, self.problem = status, problem

    @property
    def code(self) -> str:
        """The kind of problem, such as ``forbidden``."""
        return str(self.problem.get("type") or self.problem.get("error") or self.status).rpartition(":")[2]


def _in_words(status: int, problem: Mapping[str, Any]) -> str:
    if "error" in problem:
        return f"No token was issued: {plain(problem.get('error_description') or problem['error'])}."
    said = [f"{problem.get('title', f'The service answered {status}')}. {problem.get('detail', '')}".strip()]
    if because := problem.get("because"):
        said.append(f"Reason: {plain(because)}.")
    if needed := problem.get("needed"):
        said.append(f"It would help to give:\n{lines(map(plain, needed))}")
    if faults := problem.get("errors"):
        said.append(lines(f"{fault['field'] or 'the request'}: {fault['message']}" for fault in faults))
    if reference := problem.get("reference"):
        said.append(f"Recorded as {reference}.")
    return "\n".join(said)


class Remote:
    """The service as one organisation's client sees it. A context manager; ``as_whom`` below is the professional."""

    def __init__(self, credentials: ClientFile, *, transport: httpx2.BaseTransport | None = None) -> None:
        """Raises Failure when the key of the client file cannot be used. ``transport`` is for tests."""
        try:
            self._signer = OrganisationSigner(credentials.client_id, credentials.private_jwk, credentials.base_url)
        except ValueError:
            raise Failure("The client file's key is not a private EC P-256, Ed25519 or RSA key with a kid.") from None
        self.base_url = credentials.base_url
        self._http = httpx2.Client(
            base_url=credentials.base_url, timeout=_TIMEOUT_SECONDS, transport=transport, trust_env=False
        )
        self._professionals: dict[tuple[Whom, str], AsProfessional] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def headers(self, method: str, path: str, *, as_whom: Whom, scope: str) -> dict[str, str]:
        """Return the headers with which another HTTP client can make one request, within a minute, as a professional.

        Args:
            method: of the request.
            path: its path, without a query.
            as_whom: the organisation's own identifier of them, as enrolled, or what gives an ID token of theirs.
            scope: ``enquiry``, ``casework`` or ``transfer``.

        Raises:
            Refused: no token was issued.
            Failure: the service is not reached.
        """
        professional = self._as(as_whom, scope)
        try:
            token = professional.token(self._http)
        except NoToken as refused:
            raise _refusal(refused.response) from None
        except OtherIssuer:
            raise self._another() from None
        except httpx2.TransportError:
            raise self._unreached() from None
        return professional.headers(method, f"{self.base_url}{path}", token)

    def call(
        self,
        method: str,
        path: str,
        *,
        as_whom: Whom,
        scope: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Call the service as a professional and return its answer, 200 or 201.

        What could not be recorded (503) or was cut off is sent again, the same request each time: give an
        ``Idempotency-Key`` where that matters. Raises Refused and Failure as ``headers`` does.
        """
        how: dict[str, Any] = {"params": query, "headers": headers, "auth": self._as(as_whom, scope)}
        if body is not None:
            how["json"] = body
        for attempt in range(1, _ATTEMPTS + 1):
            response = self._attempt(method, path, attempt, **how)
            if response is not None:
                break
        assert response is not None
        _document(response)
        return response

    def _as(self, whom: Whom, scope: str) -> AsProfessional:
        if (whom, scope) not in self._professionals:
            self._professionals[whom, scope] = AsProfessional(self._signer, self.base_url, whom, scope)
        return self._professionals[whom, scope]

    def _unreached(self) -> Failure:
        return Failure(f"The service at {self.base_url} is not reached. If it cannot wait, telephone.")

    def _another(self) -> Failure:
        return Failure(
            f"What answers at {self.base_url} does not call itself that, so nothing was signed for it. "
            "The base_url of the client file has to be the service's own, letter by letter."
        )

    def _attempt(self, method: str, path: str, attempt: int, **how: Any) -> httpx2.Response | None:
        """Return the answer; None, after a pause, when it is worth trying again."""
        try:
            response = self._http.request(method, path, **how)
        except NoToken as refused:
            response = refused.response
        except OtherIssuer:
            raise self._another() from None
        except httpx2.TransportError as error:
            if attempt == _ATTEMPTS or isinstance(error, httpx2.ConnectError):
                raise self._unreached() from None
            time.sleep(attempt / 2)
            return None
        if response.status_code != 503 or attempt == _ATTEMPTS:
            return response
        pause = response.headers.get("retry-after", "")
        time.sleep(min(float(pause), _LONGEST_PAUSE) if pause.isdecimal() else attempt / 2)
        return None


def _document(response: httpx2.Response) -> Any:
    if response.status_code not in (200, 201):
        raise _refusal(response)
    return _json(response)


def _refusal(response: httpx2.Response) -> Refused:
    return Refused(response.status_code, _json(response))


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise Failure(f"The service answered {response.status_code} with something that is not JSON.") from None
