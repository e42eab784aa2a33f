"""A checkpoint by mail: a note of some 200 bytes without personal data, in somebody else's hands from then on."""

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.note import Note

_SECONDS: Final = 20
_PORTS: Final = {"smtp": 587, "smtps": 465}
_ED25519_SIZE: Final = 64


class NotMailed(Exception):
    """The server did not take a message. Carries no address and nothing that the server said."""


def short(note: bytes) -> str:
    """Return a checkpoint with its Ed25519 line alone: the others are kilobytes, and any line shows who signed."""
    whole = Note.of(note)
    lines = tuple(line for line in whole.signatures if len(line.content) == _ED25519_SIZE)
    return bytes(Note(whole.text, lines)).decode()


def is_this_machine(host: str) -> bool:
    """Return whether nothing that is sent there leaves the machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Mailer:
    """Sends by one server: ``smtp://USER:PASSWORD@HOST:PORT`` with STARTTLS, or ``smtps://…``.

    Without TLS only to this machine itself, where a relay takes it on. ``sender``: the address it is sent from.
    """

    server: str
    sender: str

    def send(self, note: bytes, recipient: str, at: datetime) -> bytes:
        """Send a checkpoint and return it as it was sent; blocks for seconds. Raises NotMailed."""
        body = short(note)
        message = EmailMessage()
        message["From"], message["To"] = self.sender, recipient
        message["Subject"] = f"Checkpoint of {Checkpoint.of(Note.of(note).text).origin}, {at:%Y-%m-%d}"
        message["Date"] = format_datetime(at)
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is to answer it
        message.set_content(body, cte="quoted-printable")
        try:
            with self._connected() as server:
                server.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            raise NotMailed(type(error).__name__) from None
        return body.encode()

    def _connected(self) -> smtplib.SMTP:
        url = urlsplit(self.server)
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        trusted = ssl.create_default_context()
        if url.scheme == "smtps":
            made: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=trusted)
        else:
            made = smtplib.SMTP(host, port, timeout=_SECONDS)
            made.ehlo()
            if made.has_extn("starttls"):
                made.starttls(context=trusted)
            elif not is_this_machine(host):
                made.close()
                raise smtplib.SMTPNotSupportedError
        if url.username is not None:
            made.login(unquote(url.username), unquote(url.password or ""))
        return made
