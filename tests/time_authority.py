"""A time-stamping authority on this machine: OpenSSL's (`openssl ts -reply`) behind HTTP, with a CA of its own."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

OPENSSL = shutil.which("openssl") or ("openssl" if os.environ.get("REQUIRE_OPENSSL") == "1" else None)
"""Where it is required its tests are not passed over: without it they fail."""
_CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[stamping]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[req]
distinguished_name = names
[names]
"""


@dataclass
class TimeAuthority:
    """Where it is asked, and the certificate that its own leads to."""

    url: str
    roots: Path
    answers: str = "granted"
    """``granted``, or ``other``: a time-stamp over something else; ``broken``: none."""
    asked: int = 0


def openssl(folder: Path, *arguments: str) -> bytes:
    """Run OpenSSL; CalledProcessError when it is not content."""
    assert OPENSSL is not None
    return subprocess.run([OPENSSL, *arguments], cwd=folder, check=True, capture_output=True).stdout


def _make(folder: Path) -> None:
    folder.mkdir()
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
    (folder / "serial").write_text("01")
    for name in ("ca", "tsa"):
        openssl(folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")
    given = ("-config", "tsa.cnf", "-days", "30")
    openssl(folder, "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=Test CA", "-extensions", "ca", *given,
            "-out", "ca.pem")  # fmt: skip
    openssl(folder, "req", "-new", "-key", "tsa.key", "-subj", "/CN=Test TSA", "-config", "tsa.cnf", "-out", "tsa.csr")
    openssl(folder, "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-extfile", "tsa.cnf", "-extensions", "stamping", "-days", "30", "-out", "tsa.pem")  # fmt: skip


@contextmanager
def time_authority(folder: Path) -> Iterator[TimeAuthority]:
    """Lend a running authority, whose keys are made in ``folder``."""
    _make(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            authority.asked += 1
            query = self.rfile.read(int(self.headers["Content-Length"]))
            name = f"{authority.asked}"
            if authority.answers == "other":
                (folder / "other").write_bytes(b"something else")
                openssl(folder, "ts", "-query", "-data", "other", "-sha256", "-cert", "-out", f"{name}.tsq")
            else:
                (folder / f"{name}.tsq").write_bytes(query)
            answer = (
                b""
                if authority.answers == "broken"
                else openssl(folder, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", f"{name}.tsq")
            )
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        authority = TimeAuthority(f"http://127.0.0.1:{server.server_address[1]}/tsa", folder / "ca.pem")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield authority
        server.shutdown()
