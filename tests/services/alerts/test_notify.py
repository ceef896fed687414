"""Alerts reach a person: by a post, and by mail, again and again until it works, and never twice when it did."""

from __future__ import annotations

import email
import email.header
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.message import Message as Mail
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from sqlalchemy import func, select

from app.config.errors import ConfigError
from app.config.settings import Config, load_config
from app.db.database import Database
from app.models import Alert, Job
from app.services.alerts.channels import MailChannel, NotifyFailed, WebhookChannel
from app.services.alerts.notify import MAX_ATTEMPTS, NotifyAlerts, channel_kinds
from app.services.alerts.raising import Alerts
from tests.conftest import SETTINGS, Clock, on_sqlite, with_settings
from tests.factories import PNID
from tests.load.gateway import free_port

HOOK = "https://chat.example/hooks/secret-part-of-the-address"
USER, PASSWORD = "gateway@example.com", "pass/word of the tests"


class Story:
    """Alerts that are raised, and a worker that tells them."""

    def __init__(self, config: Config, database: Database, clock: Clock) -> None:
        self.alerts = Alerts(database, channel_kinds(config), clock)
        self._tell = NotifyAlerts(config, database, clock, "0")

    def tell(self) -> int:
        """Tell all that is due; how often there was something."""
        times = 0
        while self._tell():
            times += 1
        return times


@responses.activate
def test_raised_and_over_are_posted_as_chats_want_it(
    story: Callable[..., Story], database: Database, clock: Clock
) -> None:
    hook = responses.post(HOOK, body="ok")
    with_url = story(alert_url=HOOK)
    with_url.alerts.raise_alert("silence", PNID, details={"no_report_since": "noon"})
    with_url.tell()
    with database.read() as session:
        assert session.scalars(select(Alert)).one().notified_at == clock.now
    clock.pass_by(hours=1)
    with_url.alerts.close("silence", PNID)
    with_url.tell()

    said = [json.loads(call.request.body or b"")["text"] for call in hook.calls]

    assert said[0] == (
        f"ALERT Meta tells nothing of number {PNID}, though it should; probably webhooks do not reach the gateway."
        " (since 2026-11-24 12:00 UTC · no_report_since: noon)\n"
        "Check the callback URL, its certificate, and the app's subscription to the business account."
    )
    assert said[1].startswith(f"OVER Meta tells nothing of number {PNID}") and len(said) == 2
    assert waiting(database) == 0


@responses.activate
def test_a_post_that_fails_is_tried_again_with_the_same_id(
    story: Callable[..., Story], database: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    hook = responses.post(HOOK, status=500)
    responses.post(HOOK, body=requests.ConnectionError("secret"))
    responses.post(HOOK, status=204)
    with_url = story(alert_url=HOOK)
    with_url.alerts.raise_alert("worker_behind")

    with caplog.at_level(logging.WARNING):
        assert with_url.tell() == 1
        assert with_url.tell() == 0
        clock.pass_by(seconds=10)
        with_url.tell()
        clock.pass_by(seconds=60)
        with_url.tell()
    clock.pass_by(days=1)

    assert with_url.tell() == 0
    assert len(responses.calls) == 3
    assert len({call.request.headers["X-Event-Id"] for call in responses.calls}) == 1
    assert [record.reason for record in caplog.records if hasattr(record, "reason")] == [
        "answered 500", "ConnectionError"
    ]  # fmt: skip
    assert "secret" not in caplog.text
    assert hook.call_count == 1


@responses.activate
def test_no_redirect_is_followed(story: Callable[..., Story], database: Database) -> None:
    responses.post(HOOK, status=302, headers={"Location": "http://127.0.0.1/admin"})
    with_url = story(alert_url=HOOK)
    with_url.alerts.raise_alert("worker_behind")

    with_url.tell()

    assert len(responses.calls) == 1
    assert waiting(database) == 1


@responses.activate
def test_in_the_end_a_post_is_given_up(story: Callable[..., Story], database: Database, clock: Clock) -> None:
    responses.post(HOOK, status=404)
    with_url = story(alert_url=HOOK)
    with_url.alerts.raise_alert("worker_behind")

    for _ in range(MAX_ATTEMPTS + 5):
        with_url.tell()
        clock.pass_by(minutes=15)

    assert len(responses.calls) == MAX_ATTEMPTS
    assert waiting(database) == 0


@responses.activate
def test_one_way_that_fails_does_not_hinder_the_other(
    story: Callable[..., Story], database: Database, mailbox: Mailbox, clock: Clock
) -> None:
    responses.post(HOOK, status=500)
    both = story(alert_url=HOOK, alert_email=("ops@example.com",), smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
    both.alerts.raise_alert("worker_behind")

    both.tell()
    clock.pass_by(minutes=1)
    both.tell()

    assert len(mailbox.mails) == 1
    assert waiting(database) == 1


@on_sqlite
def test_nobody_to_tell_is_no_job(story: Callable[..., Story], database: Database) -> None:
    without = story()
    without.alerts.raise_alert("worker_behind")

    assert (without.tell(), waiting(database)) == (0, 0)


@responses.activate
def test_markup_in_a_name_wakes_no_channel() -> None:
    hook = responses.post(HOOK)

    WebhookChannel(HOOK, "0")("template <!channel> & more", "e1")

    assert json.loads(hook.calls[0].request.body or b"") == {"text": "template &lt;!channel&gt; &amp; more"}


def test_a_mail_says_what_is_wrong(mailbox: Mailbox) -> None:
    tell = MailChannel(f"smtp://127.0.0.1:{mailbox.port}", ("ops@example.com", "bo@example.com"))

    tell("ALERT señal\nDo this.", "e1")

    [(recipients, mail)] = mailbox.mails
    assert recipients == ["ops@example.com", "bo@example.com"]
    subject = email.header.make_header(email.header.decode_header(mail["Subject"]))
    assert str(subject) == "[whatsapp-service] ALERT señal"
    assert mail["Message-ID"] == "<e1@example.com>" and mail["Auto-Submitted"] == "auto-generated"
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes) and content.decode().splitlines() == ["ALERT señal", "Do this."]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_travels_over_tls(scheme: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificates.authority)
    with Mailbox(certificates.context, scheme == "smtps") as box:
        login = "gateway%40example.com:pass%2Fword%20of%20the%20tests"
        MailChannel(f"{scheme}://{login}@localhost:{box.port}", ("ops@example.com",))("ALERT", "e1")

    assert box.logins == [(USER, PASSWORD, True)]
    assert [mail["From"] for _, mail in box.mails] == [USER]


def test_without_tls_a_password_stays_here(mailbox: Mailbox) -> None:
    with pytest.raises(NotifyFailed, match="SMTPNotSupportedError"):
        MailChannel(f"smtp://u:p@127.0.0.1:{mailbox.port}", ("ops@example.com",))("ALERT", "e1")

    assert (mailbox.logins, mailbox.mails) == ([], [])


def test_a_certificate_of_nobody_gets_no_password(certificates: Certificates) -> None:
    with Mailbox(certificates.context, False) as box, pytest.raises(NotifyFailed, match="SSLCertVerificationError"):
        MailChannel(f"smtp://u:p@localhost:{box.port}", ("ops@example.com",))("ALERT", "e1")

    assert box.logins == []


def test_a_mail_server_that_only_talks_is_left(monkeypatch: pytest.MonkeyPatch, dripping: int) -> None:
    monkeypatch.setattr("app.services.alerts.channels.MAIL_SECONDS", 0.5)

    with pytest.raises(NotifyFailed):
        MailChannel(f"smtp://127.0.0.1:{dripping}", ("ops@example.com",))("ALERT", "e1")


def test_a_mail_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotifyFailed, match="ConnectionRefusedError"):
        MailChannel("smtp://127.0.0.1:9", ("ops@example.com",))("ALERT", "e1")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"ALERT_URL": "ftp://x"}, "ALERT_URL"),
        ({"ALERT_EMAIL": "ops@example.com"}, "SMTP_URL"),
        ({"ALERT_EMAIL": "ops example.com", "SMTP_URL": "smtp://h"}, "ALERT_EMAIL"),
        ({"SMTP_URL": "http://mail.example"}, "SMTP_URL"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(SETTINGS | given)

    assert [problem.partition(":")[0] for problem in refused.value.problems] == [name]


def test_the_addresses_are_secrets() -> None:
    given = {"ALERT_URL": HOOK, "SMTP_URL": "smtp://u:p%2Fw@mail", "ALERT_EMAIL": "a@example.com, b@example.com"}

    config = load_config(SETTINGS | given)

    assert config.alert_email == ("a@example.com", "b@example.com")
    assert {HOOK, "p/w", "p%2Fw"} <= config.secret_values()
    assert HOOK not in repr(config)


class Mailbox:
    """A mail server on loopback."""

    def __init__(self, context: ssl.SSLContext | None = None, is_wrapped: bool = False) -> None:
        self.mails: list[tuple[list[str], Mail]] = []
        self.logins: list[tuple[str, str, bool]] = []
        self.port = free_port()
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._login,
            auth_require_tls=not is_wrapped,
            tls_context=None if is_wrapped else context,
            ssl_context=context if is_wrapped else None,
        )

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(content)))
        return "250 OK"

    def _login(self, server: Any, session: Session, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        is_over_tls = session.ssl is not None or server.tls_context is None
        self.logins.append((data.login.decode(), data.password.decode(), is_over_tls))
        return AuthResult(success=True)


class Certificates:
    """An authority of the tests' own, and a certificate of it for localhost."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = str(folder / "authority.pem")
        authority.cert_pem.write_to_path(self.authority)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.context)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        yield box


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture
def dripping() -> Iterator[int]:
    """The port of a server that greets a byte at a time, without end."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 hello\r\n250")
            with suppress(OSError):
                while True:
                    connection.sendall(b"-")
                    time.sleep(0.02)

    thread = threading.Thread(target=talk)
    thread.start()
    yield listener.getsockname()[1]
    thread.join()
    listener.close()


@pytest.fixture
def story(config: Config, database: Database, clock: Clock) -> Callable[..., Story]:
    return lambda **settings: Story(with_settings(config, **settings), database, clock)


def waiting(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0
