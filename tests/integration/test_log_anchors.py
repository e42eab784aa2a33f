"""Checkpoints in other hands: by mail and under a time-stamp once a day, signed by witnesses as the log grows."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from builders import MovableClock, running_world
from integration.log_scenes import grow, key_arguments
from integration.log_writers import AT, as_superuser, exported, log_keys, sequencer
from mail_server import MailServer, mail_server
from pydantic import ValidationError
from structlog.testing import capture_logs
from time_authority import OPENSSL, openssl, time_authority

from registry_api.access_log import anchor_store, verify
from registry_api.access_log.anchoring import Anchors
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.mailing import Mailer, NotMailed, is_this_machine
from registry_api.access_log.note import Signature
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database
from registry_api.kernel.settings import Settings

HOLDS, NOT, USAGE = 0, 1, 2
NOBODY = {"given_names": "Quillon", "family_name": "Demo-Larch", "date_of_birth": "2018-05-06"}
AUDITOR, PARTNER = "auditor@audit.test", "manager@partnership.test"


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def by_mail(server: MailServer, clock: MovableClock, to: str = AUDITOR) -> Anchors:
    settings: dict[str, Any] = {"smtp_url": f"smtp://127.0.0.1:{server.port}", "mail_from": "log@register.test"}
    return Anchors.build(Settings(log_mail_to=to, **settings), clock)


async def test_a_checkpoint_is_mailed_to_each_and_shows_what_is_rewritten_later(
    database: Database, outside: Database, keys: LogKeys, mails: MailServer, tmp_path: Path
) -> None:
    await by_mail(mails, MovableClock(AT), f"{AUDITOR},{PARTNER}").run(outside)
    assert [to for to, _ in mails.received] == [[AUDITOR], [PARTNER]]
    (saved := tmp_path / "saved.eml").write_bytes(mails.received[0][1])
    note = verify.note_of(saved.read_bytes())
    assert len(note) <= 220, "some 200 bytes, and nothing of anybody in them"
    assert note.startswith(b"register.test/log\n5\n")
    folder = await exported(database, tmp_path / "log")
    arguments = ["fsck", str(folder), *key_arguments(keys), "--checkpoint", str(saved)]
    assert verify.main(arguments) == HOLDS
    async with as_superuser(database) as connection:  # with the keys in hand: nothing within can show it
        for table in ("log_checkpoint", "log_head", "log_leaf", "log_entry"):
            await connection.execute(f"DELETE FROM {table}")
        await connection.execute("DELETE FROM access_entry WHERE id > 1")
        await connection.execute("INSERT INTO log_pending SELECT id FROM access_entry ON CONFLICT DO NOTHING")
    keys.fence.path.unlink()
    await sequencer(database, LocalKeys.load(tmp_path / "keys.json"), keys).round()
    folder = await exported(database, tmp_path / "forged")
    assert verify.main(["fsck", str(folder), *key_arguments(keys)]) == HOLDS
    assert verify.main(["fsck", str(folder), *key_arguments(keys), "--checkpoint", str(saved)]) == NOT


async def test_it_is_mailed_once_a_day_whoever_tries_and_again_after_a_failure(
    database: Database, outside: Database, database_url: str, keys: LogKeys, mails: MailServer
) -> None:
    clock, elsewhere = MovableClock(AT), Database(database_url, pool_size=2)
    one, other = by_mail(mails, clock), by_mail(mails, clock)
    mails.refuses = True
    with capture_logs() as said:
        await one.run(outside)
        await one.run(outside)
    assert [(line["event"], line["kind"]) for line in said] == [("log_not_anchored", "mail")], "and not each time"
    assert AUDITOR not in str(said)
    mails.refuses = False
    await one.run(outside)
    assert mails.received == [], "some minutes later"
    clock.advance(minutes=11)
    await asyncio.gather(*(each.run(at) for each, at in ((one, outside), (other, elsewhere)) * 4))
    assert len(mails.received) == 1
    clock.advance(hours=1)
    await other.run(elsewhere)
    assert len(mails.received) == 1
    clock.advance(days=1)
    await asyncio.gather(one.run(outside), other.run(elsewhere))
    assert len(mails.received) == 2
    await elsewhere.close()


async def test_what_was_sent_and_could_not_be_noted_is_sent_again(
    outside: Database, keys: LogKeys, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failed, yet sent: twice rather than never."""
    clock = MovableClock(AT)
    anchors = by_mail(mails, clock)

    async def fails(*_: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(anchor_store, "add", fails)
        await anchors.run(outside)
    clock.advance(minutes=11)
    await anchors.run(outside)
    assert len(mails.received) == 2


@pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")
def test_mail_goes_over_tls_but_to_this_machine(
    tmp_path: Path, keys_of_a_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [is_this_machine(host) for host in ("127.0.0.1", "::1", "localhost", "mail.example", "10.0.0.1")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    with mail_server(keys_of_a_server) as server, pytest.raises(NotMailed, match="SSL"):
        # A certificate that nobody vouches for.
        Mailer(f"smtp://127.0.0.1:{server.port}", "log@register.test").send(NOTE, AUDITOR, AT)
    assert server.received == []
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "s.pem"))
    with mail_server(keys_of_a_server) as server:
        sent_by = f"smtp://log%40register.test:not-to-be-told@127.0.0.1:{server.port}"
        Mailer(sent_by, "log@register.test").send(NOTE, AUDITOR, AT)
    assert (server.encrypted, server.users) == (1, ["\0log@register.test\0not-to-be-told"])
    assert [to for to, _ in server.received] == [[AUDITOR]]


NOTE = (
    b"register.test/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
    + str(Signature("register.test/log", b"1234", bytes(64))).encode()
)


@pytest.fixture
def keys_of_a_server(tmp_path: Path) -> Any:
    import ssl

    openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "s.key", "-out", "s.pem",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "s.pem", tmp_path / "s.key")
    return context


@pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")
async def test_a_time_stamp_a_day_which_openssl_verifies(
    database: Database, outside: Database, local: LocalKeys, keys: LogKeys, tmp_path: Path
) -> None:
    clock = MovableClock(AT)
    with time_authority(tmp_path / "tsa") as authority:
        anchors = Anchors.build(Settings(log_tsa_url=authority.url, log_tsa_roots=authority.roots), clock)
        for answers, asked in (("broken", 1), ("other", 2), ("granted", 3), ("granted", 3)):
            authority.answers = answers
            with capture_logs() as said:
                await anchors.run(outside)
            assert (authority.asked, bool(said)) == (asked, answers != "granted")
            clock.advance(minutes=11)
        clock.advance(days=1)
        await grow(database, local, keys)
        await anchors.run(outside)
        assert authority.asked == 4
        folder = await exported(database, tmp_path / "log")
        stamped = sorted(folder.glob("anchors/*.tsr"))
        assert len(stamped) == 2
        for token in stamped:
            covers = token.with_suffix(".checkpoint")
            openssl(folder, "ts", "-verify", "-data", str(covers), "-in", str(token), "-CAfile", str(authority.roots))
    assert verify.main(["fsck", str(folder), *key_arguments(keys)]) == HOLDS
    # A history that is not the one which was stamped.
    other = log_keys(tmp_path / "elsewhere")
    text = stamped[0].with_suffix(".checkpoint")
    text.write_bytes(text.read_bytes().replace(b"\n5\n", b"\n4\n", 1))
    assert verify.main(["fsck", str(folder), *key_arguments(keys)]) == NOT
    assert other


async def test_a_time_stamp_by_somebody_else_is_none(outside: Database, keys: LogKeys, tmp_path: Path) -> None:
    if OPENSSL is None:
        pytest.skip("there is no openssl")
    with time_authority(tmp_path / "one") as authority, time_authority(tmp_path / "other") as other:
        settings = Settings(log_tsa_url=authority.url, log_tsa_roots=other.roots)
        with capture_logs() as said:
            await Anchors.build(settings, MovableClock(AT)).run(outside)
    assert [(line["kind"], line["error"]) for line in said] == [("timestamp", "NotStamped")]


async def test_no_answer_waits_for_anything_outside(database_url: str, tmp_path: Path, mails: MailServer) -> None:
    """A mail server and a witness that take a connection and say nothing; enquiries go on."""
    with ThreadingHTTPServer(("127.0.0.1", 0), verify.BaseHTTPRequestHandler) as silent:  # accepts, never answers
        where = f"127.0.0.1:{silent.server_address[1]}"
        settings = {
            "smtp_url": f"smtp://{where}",
            "mail_from": "log@register.test",
            "log_mail_to": AUDITOR,
            "log_deadline_seconds": 10,
        }
        async with running_world(database_url, tmp_path / "state", **settings) as world:
            anchors = Anchors.build(world.settings, world.clock)
            outside = Database(database_url, pool_size=2)
            giving = asyncio.create_task(anchors.run(outside))
            await asyncio.sleep(0.2)
            assert (await world.ask("officer-1", NOBODY)).status_code == 200
            assert (await world.http.get("/readyz")).status_code == 200
            giving.cancel()
            await asyncio.gather(giving, return_exceptions=True)
            await outside.close()


async def test_what_is_overdue_is_said(outside: Database, keys: LogKeys, mails: MailServer) -> None:
    clock = MovableClock(AT)
    anchors = by_mail(mails, clock)
    assert await anchors.overdue(outside) == [("mail", AUDITOR, None)]
    await anchors.run(outside)
    assert await anchors.overdue(outside) == []
    clock.now += timedelta(days=3)
    assert await anchors.overdue(outside) == [("mail", AUDITOR, AT)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"log_mail_to": AUDITOR},
        {"log_mail_to": AUDITOR, "mail_from": "a@b.test", "smtp_url": "http://mail.test"},
        {"log_mail_to": "nobody", "mail_from": "a@b.test", "smtp_url": "smtp://mail.test"},
        {"log_tsa_url": "https://tsa.test"},
        {"log_tsa_roots": "roots.pem"},
    ],
    ids=["no server", "no mail server", "no address", "no roots", "no authority"],
)
def test_half_a_setting_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)
