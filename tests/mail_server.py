"""A mail server on this machine: takes messages over SMTP (RFC 5321), or refuses them for as long as a test says."""

import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """What was sent to it: for each message the recipients and the bytes."""

    port: int = 0
    refuses: bool = False
    tls: ssl.SSLContext | None = None
    """Offers STARTTLS with this one's certificate."""
    users: list[str] = field(default_factory=list)
    """Who logged in, and with what, as AUTH PLAIN says it (RFC 4616)."""
    encrypted: int = 0
    """Sessions that went on under TLS."""
    received: list[tuple[list[str], bytes]] = field(default_factory=list)


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Lend a running server."""
    server = MailServer(tls=tls)

    class Session(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

        def finish(self) -> None:
            super().finish()
            self.request.close()  # under TLS it is another one than the server knows of

        def handle(self) -> None:
            recipients: list[str] = []
            self.say("220 mail.test")
            while line := self.rfile.readline():
                verb = line.decode().strip().upper()
                if verb.startswith("EHLO"):
                    self.say("250-mail.test")
                    self.say("250-STARTTLS" if server.tls else "250-8BITMIME")
                    self.say("250-AUTH PLAIN")
                    self.say("250 SIZE 1000000")
                elif verb.startswith("AUTH PLAIN "):
                    server.users.append(b64decode(line.decode().split()[2]).decode())
                    self.say("235 welcome")
                elif verb == "STARTTLS" and server.tls:
                    self.say("220 go on")
                    try:
                        self.request = server.tls.wrap_socket(self.request, server_side=True)
                    except (ssl.SSLError, OSError):
                        return
                    self.setup()
                    server.encrypted += 1
                elif verb.startswith("RCPT"):
                    if server.refuses:
                        self.say("451 try again")
                        continue
                    recipients.append(line.decode().strip()[9:-1])
                    self.say("250 ok")
                elif verb == "DATA":
                    self.say("354 go on")
                    content = b""
                    while (line := self.rfile.readline()) != b".\r\n":
                        content += line
                    server.received.append((recipients, content))
                    self.say("250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as listening:
        listening.daemon_threads = True
        server.port = listening.server_address[1]
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield server
        listening.shutdown()
