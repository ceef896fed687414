"""The channels by which people are notified: a POST in the format of Slack and others, and a mail."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from typing import Protocol
from urllib.parse import unquote, urlsplit

import requests

from app.graph import transport

SECONDS = 5.0
"""The limit of one POST as a whole, and of each step of a mail."""

MAIL_SECONDS = 10.0
"""The limit of one mail as a whole once connected, because a stopping worker waits for it."""


class NotifyFailed(Exception):
    """A notification failed. The message holds no address and no secret."""


class Channel(Protocol):
    """Sends a notification. Raises `NotifyFailed`."""

    def __call__(self, text: str, event_id: str) -> None:
        """Send the text once. `event_id` is equal for every attempt of one notification."""


class WebhookChannel:
    """Posts `{"text": …}`, the format of Slack, Mattermost, Rocket.Chat and many others. Follows no redirect."""

    def __init__(self, url: str, version: str) -> None:
        self._url = url
        self._session = transport.new_session(user_agent=f"whatsapp-service/{version}", proxy=None, pool_size=1)

    def __call__(self, text: str, event_id: str) -> None:
        """Post the text. `X-Event-Id` is equal for every attempt. Raises `NotifyFailed` unless the answer is a 2xx."""
        # Slack reads these three characters as markup: `<!channel>` in a template's name would notify everybody.
        body = {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
        try:
            with self._session.post(
                self._url,
                json=body,
                headers={"X-Event-Id": event_id},
                timeout=transport.timeout(SECONDS),
                allow_redirects=False,
                stream=True,  # the body is not read: it is not needed and may be of any size
            ) as response:
                status = response.status_code
        except requests.RequestException as err:
            raise NotifyFailed(type(transport.cause_of(err)).__name__) from err
        if not 200 <= status < 300:
            raise NotifyFailed(f"answered {status}")


class MailChannel:
    """Sends a mail by `smtps://` or `smtp://[user:password@]host[:port]`. A password is sent over TLS only."""

    def __init__(self, url: str, recipients: tuple[str, ...]) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or (465 if self._is_tls else 587 if parts.username else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._recipients = recipients
        self._sender = self._user if "@" in self._user else recipients[0]

    def __call__(self, text: str, event_id: str) -> None:
        """Send the text as a mail, its first line as the subject. The Message-ID is equal for every attempt.

        Raises `NotifyFailed`.
        """
        message = EmailMessage()
        message["Subject"] = f"[whatsapp-service] {text.splitlines()[0][:150]}"
        message["From"] = self._sender
        message["To"] = ", ".join(self._recipients)
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = f"<{event_id}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{text}\n")
        try:
            with self._connect() as smtp, _deadline(smtp):
                self._secure(smtp)
                smtp.send_message(message)
        except (smtplib.SMTPException, OSError, ValueError) as err:
            raise NotifyFailed(type(err).__name__) from err

    def _connect(self) -> smtplib.SMTP:
        if self._is_tls:
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=SECONDS, context=ssl.create_default_context()
            )
        return smtplib.SMTP(self._host, self._port, timeout=SECONDS)

    def _secure(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo()
        if not self._is_tls and (self._user or smtp.has_extn("starttls")):
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo()
        if self._user:
            smtp.login(self._user, self._password)


@contextmanager
def _deadline(smtp: smtplib.SMTP) -> Iterator[None]:
    """Shut the connection down after `MAIL_SECONDS`: smtplib limits each read only, not the whole exchange."""

    def cut() -> None:
        if smtp.sock is not None:
            try:
                smtp.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already

    timer = threading.Timer(MAIL_SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
