"""The only client of Meta's Graph API; no other module knows its URLs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from json import dumps
from time import monotonic
from typing import Any
from urllib.parse import quote

import requests

from app.domain.api_usage import ApiUsage
from app.errors import GraphRefused, GraphUnauthorised, GraphUnavailable, GraphUnknown
from app.graph import answers, files, loop_guard, payloads, transport, usage
from app.graph.answers import SendResult
from app.graph.files import CHUNK_BYTES, Download, Upload

Json = dict[str, Any]

MAX_ANSWER_BYTES = 8 * 1024 * 1024
QUICK_SECONDS = 5.0
"""Timeout of a call that delays another request of a caller."""

FILE_SECONDS = 300.0
"""Timeout of the transfer of one file; 100 MB may take minutes."""


MOST_KEPT = 100
"""The number of prepared requests that are kept; when there are more, all are dropped, those with replaced tokens
too."""


class GraphClient:
    """Calls Graph with the token given for each call. Threads and greenlets may share one.

    Every method raises one of: `GraphUnavailable` and `GraphThrottled` (nothing was done, a later try is safe),
    `GraphRefused` and `GraphUnauthorised` (nothing was done, and the same call will fail again), or `GraphUnknown` (the
    request left, and it is not known whether it was carried out). Their `meta` holds Graph's `code`, its `class`,
    `details` and `fbtrace_id` if Graph sent them. No error holds a token or a phone number.
    """

    def __init__(
        self,
        base_url: str,
        version: str,
        *,
        service_version: str,
        timeout_seconds: float = 20.0,
        proxy: str | None = None,
        pool_size: int = 16,
        gateway_id: str = "",
        on_usage: Callable[[str, list[ApiUsage]], None] = lambda token, said: None,
    ) -> None:
        """`on_usage` is called with a call's token and the quota use that Graph reports in its answer.

        Calls carry `gateway_id`, by which this gateway recognises its own calls if they come back to it.
        """
        self._root = f"{base_url.rstrip('/')}/{version}"
        self._timeout_seconds = timeout_seconds
        self._on_usage = on_usage
        self._send_requests: dict[tuple[str, str], requests.PreparedRequest] = {}
        self._session = transport.new_session(
            user_agent=f"whatsapp-service/{service_version}", proxy=proxy, pool_size=pool_size
        )
        self._gateway_id = gateway_id
        if gateway_id:
            self._session.headers[loop_guard.HEADER] = gateway_id

    def send(self, phone_number_id: str, payload: Json, token: str) -> SendResult:
        """Send a message (see `payloads.message`) and return Graph's ids for it."""
        return self.send_json(phone_number_id, dumps(payload, allow_nan=False), token)

    def send_json(self, phone_number_id: str, payload: str, token: str) -> SendResult:
        """Send a message whose payload is JSON text already, and return Graph's ids for it."""
        prepared = self._send_request(phone_number_id, token).copy()
        prepared.body = payload.encode()
        prepared.headers["Content-Length"] = str(len(prepared.body))
        return answers.send_result(self._exchange(prepared, token, self._timeout_seconds))

    def send_text_message(self, phone_number_id: str, to: str, message: str, token: str) -> SendResult:
        """Send plain text to a +E.164 number."""
        return self.send(phone_number_id, payloads.text(to, message), token)

    def send_image_message(
        self, phone_number_id: str, to: str, image_url: str, token: str, caption: str | None = None
    ) -> SendResult:
        """Send an image that Meta fetches from a public URL to a +E.164 number."""
        return self.send(phone_number_id, payloads.image(to, image_url, caption), token)

    def mark_read(self, phone_number_id: str, wamid: str, token: str) -> None:
        """Mark a message, and those before it, as read, which the contact can see. Safe to repeat."""
        self.request("POST", phone_number_id, "messages", token=token, json=payloads.read(wamid))

    def show_typing(self, phone_number_id: str, wamid: str, token: str) -> None:
        """Mark a message as read and show the typing indicator for 25 seconds, or until a message is sent."""
        self.request("POST", phone_number_id, "messages", token=token, json=payloads.read(wamid, typing=True))

    def template_categories(self, waba_id: str, name: str, token: str) -> dict[str, str]:
        """Return the category of a template by language; empty if there is no such template. Timeout: five seconds."""
        params = {"name": name, "fields": "name,language,category", "limit": "100"}
        answer = self.request(
            "GET", waba_id, "message_templates", token=token, params=params, timeout_seconds=QUICK_SECONDS
        )
        return answers.template_categories(answer, name)

    def upload(self, phone_number_id: str, upload: Upload, token: str) -> Any:
        """Upload a file; return Meta's answer, whose `id` can be sent for thirty days."""
        return self.request(
            "POST", phone_number_id, "media", token=token, data=upload,
            headers={"Content-Type": upload.content_type}, timeout_seconds=FILE_SECONDS,
        )  # fmt: skip

    def download(self, url: str, token: str) -> Download:
        """Open the file at a media URL that Graph gave. Raises `GraphRefused` also when the URL has expired."""
        if not files.is_metas(url, self._root):
            raise GraphRefused("Meta names a place for the file that is not known to be Meta's.")
        headers = {"Authorization": _authorization(token), "Accept": "*/*", "Accept-Encoding": "identity"}
        prepared = self._session.prepare_request(requests.Request("GET", url, headers=headers))
        try:
            response = self._session.send(
                prepared, timeout=transport.timeout(FILE_SECONDS), allow_redirects=False, stream=True
            )
        except requests.RequestException as err:
            raise _failure(err) from transport.cause_of(err)
        self._refuse_own(response)
        if response.status_code == 200:
            return files.opened(response)
        response.close()
        meta = {"http_status": response.status_code}
        if response.status_code >= 500:
            raise GraphUnavailable(meta=meta)
        raise GraphRefused("Meta does not give the file out.", meta=meta)

    def date(self) -> datetime | None:
        """Return Meta's time to the second, as any of its answers says it; None if this one does not.

        Needs no token. Raises `GraphUnavailable` and `GraphUnknown` without an answer.
        """
        prepared = self._session.prepare_request(requests.Request("GET", f"{self._root}/"))
        try:
            with self._session.send(
                prepared, timeout=transport.timeout(QUICK_SECONDS), allow_redirects=False, stream=True
            ) as response:
                self._refuse_own(response)
                return parsedate_to_datetime(response.headers.get("Date", ""))
        except requests.RequestException as err:
            raise _failure(err) from transport.cause_of(err)
        except ValueError:
            return None

    def debug_token(self, token: str) -> Json:
        """Return what Meta says about a token, asked with that token: `is_valid`, `expires_at` (0: never) and other
        fields."""
        answer = self.request("GET", "debug_token", token=token, params={"input_token": token}, timeout_seconds=10.0)
        data = answer.get("data") if isinstance(answer, dict) else None
        return data if isinstance(data, dict) else {}

    def request(
        self,
        method: str,
        *path: str,
        token: str,
        params: dict[str, str] | None = None,
        json: Json | list[Any] | None = None,
        data: Any = None,
        headers: dict[str, str] | None = None,
        timeout_seconds: float | None = None,
        scheme: str = "Bearer",
    ) -> Any:
        """Call any endpoint and return its JSON.

        `path` is given in segments after the version; each is quoted here. `data` is a body that is not JSON (bytes, or
        a file-like encoder), with its `Content-Type` in `headers`. `timeout_seconds` bounds the whole exchange.
        `scheme` is the word before the token.
        """
        body = dumps(json, allow_nan=False).encode() if json is not None else data
        prepared = self._session.prepare_request(
            requests.Request(
                method,
                self._url(path),
                params=params,
                data=body,
                headers={
                    **({"Content-Type": "application/json"} if json is not None else {}),
                    **(headers or {}),
                    "Authorization": _authorization(token, scheme),
                },
            )
        )
        return self._exchange(prepared, token, timeout_seconds or self._timeout_seconds)

    def _send_request(self, phone_number_id: str, token: str) -> requests.PreparedRequest:
        """Return the prepared request that all sends of a number share. Preparing each anew would take a fifth of a
        send's time."""
        found = self._send_requests.get((phone_number_id, token))
        if found is None:
            if len(self._send_requests) >= MOST_KEPT:
                self._send_requests.clear()
            headers = {"Content-Type": "application/json", "Authorization": _authorization(token)}
            url = self._url((phone_number_id, "messages"))
            found = self._session.prepare_request(requests.Request("POST", url, headers=headers))
            self._send_requests[phone_number_id, token] = found
        return found

    def close(self) -> None:
        """Close the idle connections in the pool."""
        self._session.close()

    def _url(self, path: tuple[str, ...]) -> str:
        # URL libraries resolve dots, and an id comes from a caller: `..` would lead to another endpoint with our token.
        # Meta's own ids of uploads contain `:` and `=`, which mean nothing in a path and are left as Meta wrote them.
        if any(segment in ("", ".", "..") for segment in path):
            raise GraphRefused("An id for Meta is empty or not an id.")
        return "/".join([self._root, *(quote(segment, safe=":=") for segment in path)])

    def _exchange(self, prepared: requests.PreparedRequest, token: str, seconds: float) -> Any:
        started = monotonic()
        try:
            with self._session.send(
                prepared, timeout=transport.timeout(seconds), allow_redirects=False, stream=True
            ) as response:
                self._refuse_own(response)
                body = _read(response)
        except requests.RequestException as err:
            raise _failure(err) from transport.cause_of(err)
        said = usage.read_usage(response.headers)
        if said:
            self._on_usage(token, said)
        return answers.decode(response.status_code, response.headers, body, monotonic() - started, token)

    def _refuse_own(self, response: requests.Response) -> None:
        """Raise `GraphUnavailable` if this gateway answered instead of Meta; it has carried out nothing then."""
        if loop_guard.is_own(response.headers, self._gateway_id):
            response.close()
            raise GraphUnavailable(loop_guard.MESSAGE, meta={"reason": "the call came back to this gateway"})


def _failure(err: requests.RequestException) -> GraphUnavailable | GraphUnknown:
    cause = transport.cause_of(err)
    if isinstance(cause, transport.NotConnected):
        return GraphUnavailable(meta={"reason": type(cause.__cause__).__name__})
    return GraphUnknown(meta={"reason": type(cause).__name__})


def _authorization(token: str, scheme: str = "Bearer") -> str:
    # The HTTP library would refuse a token with such characters, in an error that quotes the token.
    if not token:
        raise GraphUnauthorised(
            "The number has no access token that can be read. If one was stored, ENCRYPTION_KEY is not the one that"
            " encrypted it: see the alert `encryption_key`."
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise GraphUnauthorised("The number's access token is not a token.")
    return f"{scheme} {token}"


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise GraphUnknown(meta={"http_status": response.status_code, "reason": "answer too large"})
    return bytes(body)
