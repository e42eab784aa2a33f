"""deploy/nginx.conf as it is, but for names of files and ports, in front of the real service, with real handshakes.

Tokens are bound to the certificate of a TLS connection (RFC 8705), and nothing but that connection shows it.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from deployment import ROOT, run, serving
from deployment import deployment as environment_in

from auth.client import OrganisationSigner, generate_client_key

NGINX = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
NAME, MTLS_NAME = "register.example", "mtls.register.example"
BASE_URL = f"https://{NAME}"
INBOX = "/api/v1/notifications"
PROXY = "127.0.0.2"
"""Where the proxy's connections come from: another address than a caller's who goes past it."""

pytestmark = [
    pytest.mark.skipif(
        (NGINX is None or not sys.platform.startswith("linux")) and not os.environ.get("REQUIRE_NGINX"),
        reason="there is no nginx here (REQUIRE_NGINX=1 makes that a failure)",
    ),
    pytest.mark.timeout(240),
]


class Authority:
    """Issues certificates."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.path = self._write(name, self._certificate(self._name, self._key, authority=True))

    def issue(self, name: str, *hosts: str) -> Path:
        """A certificate with its key, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._write(name, self._certificate(subject, key, *hosts), private)

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *hosts: str, authority: bool = False
    ) -> bytes:
        now = datetime.now(UTC)
        serial = x509.random_serial_number()
        made = x509.CertificateBuilder(self._name, subject, key.public_key(), serial, now, now + timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(authority, None), critical=True)
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, hosts)]), critical=False)
        return made.sign(self._key, SHA256()).public_bytes(Encoding.PEM)

    def _write(self, name: str, *parts: bytes) -> Path:
        path = self._folder / f"{name}.pem"
        path.write_bytes(b"".join(parts))
        return path


@dataclass
class Deployment:
    """The proxy and the service behind it, and the certificates that there are."""

    proxy_port: int
    service_port: int
    server_authority: Path
    certificates: dict[str, Path]
    signer: OrganisationSigner
    folder: Path

    @contextmanager
    def caller(self, certificate: str | None, *, name: str = MTLS_NAME) -> Iterator[httpx2.Client]:
        """A caller of the proxy by one of its names, who shows a certificate if asked for it."""
        trust = ssl.create_default_context(cafile=str(self.server_authority))
        if certificate:
            trust.load_cert_chain(self.certificates[certificate])
        with httpx2.Client(
            base_url=f"https://127.0.0.1:{self.proxy_port}", verify=trust, trust_env=False, headers={"Host": name}
        ) as http:
            http.event_hooks["request"] = [lambda request: request.extensions.update(sni_hostname=name)]
            yield http

    def ask_for_token(self, http: httpx2.Client, **headers: str) -> httpx2.Response:
        form = self.signer.token_form("kw-1", "casework")
        return http.post("/oauth2/token", data=form, headers=headers)

    def token(self, certificate: str) -> str:
        """A token that is bound to a certificate."""
        with self.caller(certificate) as http:
            answer = self.ask_for_token(http)
        assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer"), answer.text
        return str(answer.json()["access_token"])

    def forged(self, certificate: str) -> str:
        """A certificate as the proxy passes it on, which is no secret."""
        pem, _, _ = self.certificates[certificate].read_text().partition("-----BEGIN PRIVATE KEY-----")
        return quote(pem)


def enrolment(public_key: dict[str, Any]) -> str:
    today = datetime.now(UTC).date()
    authority = {
        "code": "authority",
        "name": "Test Authority",
        "kind": "authority",
        "own_authority": True,
        "agreements": [
            {
                "purposes": ["casework"],
                "valid_from": str(today - timedelta(days=2)),
                "valid_to": str(today + timedelta(days=2)),
            }
        ],
        "clients": [{"client_id": "authority-system", "scopes": ["casework"], "public_keys": [public_key]}],
        "professionals": [{"subject": "kw-1", "role": "key_worker", "name": "Testperson Kw"}],
    }
    return json.dumps({"organisations": [authority]})


def configuration(folder: Path, proxy_port: int, service_port: int, server: Path, systems: Path) -> Path:
    """deploy/nginx.conf with the paths and ports of this test."""
    text = (ROOT / "deploy/nginx.conf").read_text()
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    for there, here in (
        ("pid /run/nginx.pid;", f"pid {folder}/nginx.pid;"),
        ("/var/log/nginx/", f"{folder}/"),
        ("/etc/nginx/tls/register.pem", str(server)),
        ("/etc/nginx/tls/register.key", str(server)),
        ("/etc/nginx/tls/mtls.register.pem", str(server)),
        ("/etc/nginx/tls/mtls.register.key", str(server)),
        ("/etc/nginx/tls/systems-ca.pem", str(systems)),
        ("    listen [::]:443 ssl default_server;\n", ""),
        ("    listen [::]:443 ssl;\n", ""),
        ("listen 443 ", f"listen 127.0.0.1:{proxy_port} "),
        ("server 127.0.0.1:8080;", f"server 127.0.0.1:{service_port};"),
        ("http {\n", f"http {{\n    {temporary}\n    proxy_bind {PROXY};\n"),
    ):
        assert there in text, f"deploy/nginx.conf has no {there}"
        text = text.replace(there, here)
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


@contextmanager
def proxying(configured: Path, port: int) -> Iterator[None]:
    assert NGINX is not None, "there is no nginx here"
    command = [NGINX, "-p", str(configured.parent), "-c", str(configured)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    servers, systems, strangers = (Authority(folder, name) for name in ("servers", "systems", "strangers"))
    server = servers.issue("server", NAME, MTLS_NAME)
    private, public = generate_client_key()
    environment = environment_in(folder)
    service_port = int(environment["REGISTRY_PORT"])
    with socket.create_server(("127.0.0.1", 0)) as free:
        proxy_port = free.getsockname()[1]
    environment |= {
        "REGISTRY_BASE_URL": BASE_URL,
        "REGISTRY_TRUSTED_PROXIES": PROXY,
        "REGISTRY_CLIENT_CERTIFICATE_HEADER": "client-cert",
        "REGISTRY_CLIENT_CERTIFICATE_URL": f"https://{MTLS_NAME}",
    }
    (folder / "enrolment.json").write_text(enrolment(public))
    for command in (["migrate"], ["enrol", str(folder / "enrolment.json"), "--why", "For this test."]):
        done = run(command, environment)
        assert done.returncode == 0, done.stderr
    configured = configuration(folder, proxy_port, service_port, server, systems.path)
    with serving(environment), proxying(configured, proxy_port):
        yield Deployment(
            proxy_port,
            service_port,
            servers.path,
            {
                "hospital": systems.issue("hospital"),
                "police": systems.issue("police"),
                "stranger": strangers.issue("stranger"),
            },
            OrganisationSigner("authority-system", private, BASE_URL),
            folder,
        )


def test_a_token_is_bound_to_the_certificate_of_the_connection_and_works_with_it(deployment: Deployment) -> None:
    token = deployment.token("hospital")
    with deployment.caller("hospital") as http:
        answer = http.get(INBOX, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["strict-transport-security"]


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("forging", [False, True], ids=["as it is", "with a forged header"])
@pytest.mark.parametrize(
    ("certificate", "name"),
    [("police", MTLS_NAME), (None, MTLS_NAME), ("hospital", NAME), (None, NAME)],
    ids=["another certificate", "none", "where none is asked for", "nor shown"],
)
def test_with_another_certificate_or_none_it_is_refused(
    deployment: Deployment, certificate: str | None, name: str, forging: bool
) -> None:
    headers = {"Authorization": f"Bearer {deployment.token('hospital')}"}
    if forging:
        headers["Client-Cert"] = deployment.forged("hospital")
    with deployment.caller(certificate, name=name) as http:
        assert http.get(INBOX, headers=headers).status_code == 401


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("forwarded", [None, PROXY, "127.0.0.1"])
def test_past_the_proxy_a_header_counts_for_nothing(deployment: Deployment, forwarded: str | None) -> None:
    headers = {"Client-Cert": deployment.forged("hospital")} | ({"X-Forwarded-For": forwarded} if forwarded else {})
    token = deployment.token("hospital")
    with httpx2.Client(base_url=f"http://127.0.0.1:{deployment.service_port}", trust_env=False) as http:
        assert http.get(INBOX, headers={**headers, "Authorization": f"Bearer {token}"}).status_code == 401
        refused = deployment.ask_for_token(http, **headers)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("name", [NAME, MTLS_NAME])
def test_without_a_certificate_a_header_gets_no_token(deployment: Deployment, name: str) -> None:
    with deployment.caller(None, name=name) as http:
        refused = deployment.ask_for_token(http, **{"Client-Cert": deployment.forged("hospital")})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


def test_a_certificate_of_another_issuer_is_turned_away(deployment: Deployment) -> None:
    with deployment.caller("stranger") as http:
        assert deployment.ask_for_token(http).status_code == 400
    with deployment.caller("stranger", name=NAME) as http:
        assert deployment.ask_for_token(http).json()["error"] == "invalid_dpop_proof", "not asked for, and not shown"


def test_the_one_name_is_not_reached_over_a_connection_to_the_other(deployment: Deployment) -> None:
    with deployment.caller("hospital", name=NAME) as http:
        assert http.get("/livez", headers={"Host": MTLS_NAME}).status_code == 421


def test_the_metadata_says_where_certificates_are_shown(deployment: Deployment) -> None:
    with deployment.caller(None, name=NAME) as http:
        said = http.get("/.well-known/oauth-authorization-server").json()
    assert (said["issuer"], said["tls_client_certificate_bound_access_tokens"]) == (BASE_URL, True)
    assert said["mtls_endpoint_aliases"]["token_endpoint"] == f"https://{MTLS_NAME}/oauth2/token"


def test_the_proxy_writes_no_query_string_down(deployment: Deployment) -> None:
    with deployment.caller(None, name=NAME) as http:
        assert http.get("/livez", params={"code": "secret-of-a-sign-in"}).status_code == 200
    written = "".join(path.read_text() for path in deployment.folder.glob("*.log"))
    assert "GET /livez 200" in written
    assert "secret-of-a-sign-in" not in written
    assert "?" not in written
