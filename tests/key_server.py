"""A provider's key endpoint over real TLS on this machine, which answers as a test wants it to."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class KeyServer:
    """What is asked for (``asked``: paths in order) and what is answered."""

    def __init__(self, port: int, ca_file: Path) -> None:
        self.address = f"https://127.0.0.1:{port}/keys"
        self.ca_file = ca_file
        self.asked: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""

    def serve(self, *keys: Any, **more: Any) -> None:
        """Answer with the public halves of these keys."""
        self.status, self.headers = 200, {}
        self.body = json.dumps({"keys": [{**key.as_dict(private=False), **more} for key in keys]}).encode()


@contextmanager
def key_server(folder: Path) -> Iterator[KeyServer]:
    """Run one, with a certificate of its own in ``folder``."""
    certificate = self_signed(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            self.send_response(server.status)
            for name, value in {"Content-Length": str(len(server.body)), **server.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(server.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    http.socket = context.wrap_socket(
        http.socket,
        server_side=True,
        do_handshake_on_connect=False,  # which would hold up whoever else connects
    )
    http.handle_error = lambda *_: None  # type: ignore[method-assign] # who refuses an answer hangs up
    server = KeyServer(http.server_port, certificate)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def self_signed(folder: Path) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1, which is also the one to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "provider.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
