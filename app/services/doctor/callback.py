"""Call the gateway's own callback as Meta does, and tell the ways apart in which that fails.

`shake_hands` makes the GET that Meta makes when the callback is saved; `post_signed` posts a signed trial. Both go to
the public address, through DNS, TLS and every proxy on the way.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from app.graph import transport
from app.security import probes
from app.security.meta_signatures import sign_meta

CALL_SECONDS = 6.0
"""How long one call may take; Meta waits for some seconds, too."""

LARGEST = 3_000_000
"""Bytes of the largest body that Meta sends (Meta: webhooks/overview)."""

_CERTIFICATE = {
    10: "has expired",
    18: "is self-signed",
    19: "is signed by an authority that nobody knows",
    20: "comes without the intermediate certificates that lead to a known authority",
    62: "is for another name",
    64: "is for another address",
}
"""OpenSSL's codes of a certificate that is not believed."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a call did not do what it should: a name for programs, what happened, and what to do."""

    name: str
    text: str
    remedy: str


class PublicCallback:
    """The callback at a public address. `local` admits http and this machine's own addresses, for the simulator."""

    def __init__(self, url: str, secret_key: str, *, local: bool = False) -> None:
        self.url = url
        self._secret_key = secret_key
        self._local = local
        self._session = transport.new_session(user_agent="facebookplatform/1.0", proxy=None, pool_size=2)

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def address(self) -> Trouble | None:
        """Return what is wrong with the address itself: its scheme, its name in DNS, where that leads."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not self._local:
            return Trouble("http", f"It begins with {parts.scheme}://, and Meta calls https addresses alone.",
                           "Put a proxy with a certificate in front (docs/operating.md), and set PUBLIC_URL to its"
                           " https address.")  # fmt: skip
        try:
            found = {str(each[4][0]) for each in socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)}
        except OSError:
            return Trouble("dns", f"The name {host} does not exist in DNS.",
                           "Make its A or AAAA record, or correct PUBLIC_URL.")  # fmt: skip
        private = sorted(each for each in found if not ip_address(each.partition("%")[0]).is_global)
        if private and not self._local:
            return Trouble("private", f"The name {host} leads to {private[0]}, which Meta cannot reach.",
                           "Let its public DNS record name your public address; on a laptop use a tunnel"
                           " (docs/connect.md). If only this machine sees it so, check from outside.")  # fmt: skip
        return None

    def shake_hands(self, verify_token: str) -> Trouble | None:
        """Make Meta's handshake. Return None if the challenge came back as it must."""
        challenge = str(secrets.randbelow(9 * 10**9) + 10**9)
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
        said = self._call("GET", params=query)
        if isinstance(said, Trouble):
            return said
        if said.status == 200 and said.text == challenge:
            return None
        if said.status == 403 and said.text == "Forbidden":
            return Trouble("verify_token", "The gateway there has another verify token.",
                           "Restart it, so that it reads WHATSAPP_VERIFY_TOKEN again; or PUBLIC_URL leads to another"
                           " gateway.")  # fmt: skip
        return _answered(said, self.url) or Trouble(
            "another_page", "Something else answers there: the challenge does not come back as plain text.",
            "Lead exactly this path to the gateway. A tunnel's warning page counts as such: see docs/connect.md.",
        )  # fmt: skip

    def post_signed(self, app_secret: str, size: int = 0) -> tuple[Trouble | None, Mapping[str, Any]]:
        """Post a trial that an app secret signs, of at least `size` bytes. Return what is wrong, and what arrived.

        What arrived is empty if the answer does not say it. The trial is stored nowhere; where a proxy drops the
        header by which the gateway knows it, it is a webhook without items, which is stored and means nothing.
        """
        body = _body(size)
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": sign_meta(app_secret, body),
            probes.HEADER: probes.make(self._secret_key, body, time.time()),
        }
        said = self._call("POST", data=body, headers=headers)
        if isinstance(said, Trouble):
            return said, {}
        told = said.json if said.status == 200 and said.json.get("status") == probes.STATUS else {}
        return (_arrived(told, body) if told else self._unexplained(said)), told

    def _unexplained(self, said: _Said) -> Trouble | None:
        if said.status == 200 and said.json.get("status") == "ok":
            return None
        if said.status == 401 and "error" in said.json:
            return Trouble("signature", "The gateway refuses the signature (401): a proxy drops the header"
                           " X-Hub-Signature-256 or changes the body, or another gateway answers.",
                           "Let the proxy pass all headers and the body's bytes; restart the gateway.")  # fmt: skip
        return _answered(said, self.url) or Trouble(
            "another_page", "Something else answers the POST.", "Lead exactly this path to the gateway."
        )

    def _call(self, method: str, **how: Any) -> _Said | Trouble:
        try:
            with self._session.request(
                method, self.url, timeout=transport.timeout(CALL_SECONDS), allow_redirects=False, stream=True, **how
            ) as response:
                raw = response.raw.read(65536, decode_content=True)
                return _Said(response.status_code, raw.decode("utf-8", "replace"), response.headers)
        except (requests.RequestException, OSError, ValueError) as error:
            return _unreachable(error, urlsplit(self.url).hostname or "")
        except Exception as error:  # urllib3's own, from reading the raw body
            return _unreachable(error, urlsplit(self.url).hostname or "")


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer: its status, the beginning of its text, its headers."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object that the text is; empty for anything else."""
        with suppress(ValueError, RecursionError):
            found = json.loads(self.text)
            return found if isinstance(found, dict) else {}
        return {}


def _body(size: int) -> bytes:
    # Signs that proxies and frameworks like to write anew: accents, a slash, an emoji, `@`, spaces between.
    filling = "é/@<ñ 👍" + "x" * max(0, size - 120)
    return json.dumps({"object": "whatsapp_business_account", "entry": [], "trial": filling}).encode()


def _arrived(told: Mapping[str, Any], body: bytes) -> Trouble | None:
    if told.get("signature") == "missing":
        return Trouble("signature_stripped", "A proxy drops the header X-Hub-Signature-256.",
                       "Let it pass all request headers (proxy_pass_request_headers on; no allow-list).")  # fmt: skip
    if told.get("sha256") != hashlib.sha256(body).hexdigest():
        return Trouble("body_changed", f"The body arrives changed: {len(body)} bytes went out, {told.get('bytes')}"
                       " arrived.", "Let the proxy pass the bytes as they are: no rewriting of JSON, no filter, no"
                       " decompression.")  # fmt: skip
    if told.get("signature") != "valid":
        return Trouble("app_secret", "The gateway that runs has another app secret than these settings.",
                       "Restart it, so that it reads WHATSAPP_APP_SECRET again.")  # fmt: skip
    return None


def _answered(said: _Said, url: str) -> Trouble | None:
    """Return what an answer that is not the gateway's tells."""
    parts, status = urlsplit(url), said.status
    if 300 <= status < 400:
        target = urlsplit(said.headers.get("Location", ""))
        if parts.scheme == "http" and target.scheme == "https":
            return Trouble("redirect_to_https", "The proxy redirects http to https, and Meta follows no redirect.",
                           "Let PUBLIC_URL begin with https://.")  # fmt: skip
        where = f"{target.scheme}://{target.netloc}{target.path}" if target.netloc else target.path
        return Trouble("redirect", f"The address redirects to {where[:200]}, and Meta follows no redirect.",
                       "Set PUBLIC_URL to where it leads, or take the redirect away (a slash at the end, www,"
                       " sign-in).")  # fmt: skip
    known = {
        401: Trouble("password", "A proxy asks for a password (401).", "Exempt /webhook/whatsapp from it."),
        403: Trouble("forbidden", "A proxy or firewall refuses the call (403).",
                     "Exempt /webhook/whatsapp from bot protection, geo-blocking and allow-lists."),
        404: Trouble("wrong_path", "There is nothing at this path (404): another site, or a wrong prefix.",
                     "Lead /webhook/whatsapp to the gateway; PUBLIC_URL holds the prefix it is served under."),
        405: Trouble("wrong_path", "The path is there and takes no such call (405): another program.",
                     "Lead /webhook/whatsapp to the gateway, GET and POST."),
        411: Trouble("body_limit", "A proxy wants a length of the body (411).", "Let it take chunked bodies."),
        413: Trouble("body_limit", "A proxy refuses bodies of this size (413); Meta's have up to 3 MB.",
                     "Allow 4 MB: client_max_body_size 4m; in nginx, the same in others."),
        429: Trouble("rate_limit", "A proxy limits how often it is called (429).", "Exempt /webhook/whatsapp."),
    }  # fmt: skip
    if status in known:
        return known[status]
    if status in (502, 503, 504, 520, 521, 522, 523, 524, 530):
        return Trouble("no_gateway", f"The proxy answers, and reaches no gateway behind it ({status}).",
                       "Start the gateway, or correct the address and port in the proxy.")  # fmt: skip
    if status >= 400:
        return Trouble("http_error", f"The address answers {status}.", "See the log of the proxy and of the gateway.")
    return None


def _unreachable(error: BaseException, host: str) -> Trouble:
    """Return why no answer came. A certificate that is not believed is the first cause, whatever came of it."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = _CERTIFICATE.get(cause.verify_code, f"is not believed ({cause.verify_message})")
            return Trouble("tls", f"The certificate of {host} {why}.",
                           "Get one of a known authority for this name, with its whole chain (Let's Encrypt's"
                           " fullchain.pem).")  # fmt: skip
    for kind, name, text, remedy in _NO_ANSWER:
        found = next((cause for cause in causes if isinstance(cause, kind)), None)
        if found is not None:
            reason = getattr(found, "reason", None) or "the handshake failed"
            return Trouble(name, text.format(host=host, reason=reason, seconds=CALL_SECONDS), remedy)
    return Trouble("unreachable", f"{host} cannot be called ({type(causes[-1]).__name__}).",
                   "See the log of the proxy in front.")  # fmt: skip


_NO_ANSWER: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str, str, str], ...] = (
    (ssl.SSLError, "tls", "{host} does not speak TLS as it should ({reason}).",
     "See whether the port of PUBLIC_URL is that of https, and the proxy's certificate."),
    ((socket.gaierror, urllib3.exceptions.NameResolutionError), "dns", "The name {host} does not exist in DNS.",
     "Make its record, or correct PUBLIC_URL."),
    (ConnectionRefusedError, "refused", "Nothing listens at {host}, at the port of PUBLIC_URL.",
     "Start the proxy or tunnel, open the port in the firewall, or correct PUBLIC_URL."),
    ((ConnectionResetError, http.client.RemoteDisconnected), "reset", "{host} cuts the connection.",
     "See the log of the proxy; a firewall may do it."),
    ((TimeoutError, urllib3.exceptions.TimeoutError), "timeout", "{host} does not answer within {seconds:.0f} s.",
     "Open the port in the firewall, and see whether the proxy reaches the gateway."),
)  # fmt: skip
"""By the kind of the error: the name of the trouble, what happened, and what to do."""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 10:
        yield error
        seen += 1
        inner = transport.cause_of(error) if isinstance(error, requests.RequestException) else error
        reason = getattr(inner, "reason", None) if not isinstance(inner, ssl.SSLError) else None
        following = inner if inner is not error else None
        if following is None:
            following = reason if isinstance(reason, BaseException) else inner.__cause__ or inner.__context__
        error = following
