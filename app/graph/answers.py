"""Turn Graph's HTTP answers into results, or into one of our errors.

An error is definite only when Graph says in its own JSON that it did not carry out the request. Any other failure after
the request left may hide a message that was sent, and becomes `GraphUnknown`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from app import clean_json
from app.errors import (
    GraphError,
    GraphRefused,
    GraphThrottled,
    GraphUnauthorised,
    GraphUnavailable,
    GraphUnknown,
    Malformed,
)
from app.graph import usage
from app.graph.codes import DEFINITE, ErrorClass, classify, meaning

Headers = Mapping[str, str]

LONGEST_PAUSE_SECONDS = 24 * 3600

_ERRORS: dict[ErrorClass, type[GraphError]] = {
    ErrorClass.RETRY: GraphUnavailable,
    ErrorClass.RATE_NUM: GraphThrottled,
    ErrorClass.RATE_PAIR: GraphThrottled,
    ErrorClass.RATE_APP: GraphThrottled,
    ErrorClass.AUTH: GraphUnauthorised,
    ErrorClass.PERMISSION: GraphUnauthorised,
}

# Meta's texts may quote a recipient's number. Ids of Meta's own objects have 15 digits or more; they are kept, because
# they help to find the cause.
_WAMID = re.compile(r"wamid\.[A-Za-z0-9+/=_-]+")  # a wamid contains a phone number
_NUMBER = re.compile(r"\+?(?<!\d)\d(?:[ ().-]{0,2}\d){6,13}(?!\d)")
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])EA[A-Za-z0-9]{20,}(?![A-Za-z0-9_-])")
SHORTEST_TOKEN = 16
"""Shorter tokens may be ordinary words, as the simulator's is, and are not replaced."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """Graph accepted a message. Status reports say later whether it was delivered.

    `wa_id` and `user_id` identify the recipient; either may be missing, and `wa_id` may differ from the number in the
    request. `message_status` comes with templates only (`accepted`, `held_for_quality_assessment`, `paused`).
    """

    wamid: str
    message_status: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    group_id: str | None = None


def is_ambiguous(answer: SendResult | GraphError) -> bool:
    """Return whether an answer leaves open if Meta can be reached: no answer came, or it was not Meta's own."""
    if isinstance(answer, GraphUnavailable):
        return (answer.meta or {}).get("code") is None
    return isinstance(answer, GraphUnknown)


def without_token(tree: Any, token: str) -> Any:
    """Return JSON in which `[token]` replaces this token, and members called `access_token` are left out."""
    if isinstance(tree, dict):
        return {name: without_token(value, token) for name, value in tree.items() if name != "access_token"}
    if isinstance(tree, list):
        return [without_token(item, token) for item in tree]
    if isinstance(tree, str) and len(token) >= SHORTEST_TOKEN and token in tree:
        return re.sub(rf"(?<![A-Za-z0-9_-]){re.escape(token)}(?![A-Za-z0-9_-])", "[token]", tree)
    return tree


AT_ONCE_SECONDS = 1.0
"""An answer that is not Graph's own, but came within this time, comes from something that did not wait for Graph."""

_WAITED = (408, 504, 524)
"""HTTP statuses of a proxy that passed the request on and got no answer in time."""


def decode(status: int, headers: Headers, body: bytes, seconds: float | None = None, token: str = "") -> Any:
    """Return the JSON of a 2xx answer; raise a `GraphError` for any other answer.

    `token` is the call's token, which is removed from errors. `seconds` is how long the answer took. An answer that is
    not Graph's own and came at once is from something in between, such as a proxy or a sign-in page: `unlikely` in the
    error's `meta` then says that the request was probably not carried out.
    """
    try:
        answer = clean_json.decode(body)
    except Malformed as err:
        if status == 429:
            raise GraphThrottled(meta={"http_status": status}, retry_after=retry_after(headers)) from err
        raise GraphUnknown(meta=_foreign(status, "not JSON", seconds)) from err
    if 200 <= status < 300:
        return answer
    raise _error(status, headers, without_token(answer, token), seconds)


def _foreign(status: int, reason: str, seconds: float | None) -> dict[str, Any]:
    meta: dict[str, Any] = {"http_status": status, "reason": reason}
    is_at_once = seconds is not None and seconds < AT_ONCE_SECONDS and status not in _WAITED
    return meta | {"unlikely": True} if is_at_once else meta


def send_result(answer: Any) -> SendResult:
    """Read the answer to a send. Raises `GraphUnknown` without a wamid, because the outcome is unknown then."""
    message = _first(answer, "messages")
    contact = _first(answer, "contacts")
    wamid = _text(message.get("id"))
    if not wamid:
        raise GraphUnknown(meta={"reason": "no message id"})
    return SendResult(
        wamid=wamid,
        message_status=_text(message.get("message_status")),
        wa_id=_text(contact.get("wa_id")),
        user_id=_text(contact.get("user_id")),
        group_id=_text(message.get("group_id")),
    )


def template_categories(answer: Any, name: str) -> dict[str, str]:
    """Return the category of the template called `name` by language. Graph's filter also returns longer names."""
    found = answer.get("data") if isinstance(answer, dict) else None
    return {
        str(each.get("language")): str(each.get("category"))
        for each in (found if isinstance(found, list) else [])
        if isinstance(each, dict) and each.get("name") == name
    }


def retry_after(headers: Headers) -> int | None:
    """Return for how many seconds Graph asks to wait, at most a day, from either header; None without one."""
    seconds = _retry_after_header(headers.get("Retry-After", ""))
    if seconds is None:
        seconds = usage.minutes_to_wait(headers) * 60 or None
    return None if seconds is None else max(0, min(seconds, LONGEST_PAUSE_SECONDS))


def _error(status: int, headers: Headers, answer: Any, seconds: float | None = None) -> GraphError:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        meta = _foreign(status, "no error object", seconds)
        return GraphThrottled(meta=meta, retry_after=retry_after(headers)) if status == 429 else GraphUnknown(meta=meta)
    code = error.get("code")
    code = code if isinstance(code, int) else None
    error_class = classify(code, status, error.get("is_transient") is True)
    known = meaning(code)
    kind = _ERRORS.get(error_class, GraphRefused)
    if error_class is ErrorClass.RETRY and status >= 500 and code not in DEFINITE:
        kind = GraphUnknown
    raised = kind(
        known.explanation if known and kind is not GraphUnknown else None,
        meta={
            "code": code,
            "class": error_class.value,
            "details": _details(error),
            "fbtrace_id": _text(error.get("fbtrace_id")),
            "http_status": status,
        },
        retry_after=retry_after(headers) or (known.pause_seconds if known else None),
    )
    raised.said = _without_any_token(error)
    return raised


def _without_any_token(tree: Any) -> Any:
    """Return Meta's error object without texts that look like a token, also tokens other than this call's."""
    if isinstance(tree, dict):
        return {name: _without_any_token(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_without_any_token(item) for item in tree]
    return _TOKEN.sub("[token]", tree) if isinstance(tree, str) else tree


def _details(error: dict[str, Any]) -> str | None:
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else data
    text = _text(details) or _text(error.get("error_user_msg")) or _text(error.get("message"))
    return _NUMBER.sub("[number]", _TOKEN.sub("[token]", _WAMID.sub("[wamid]", text))) if text else None


def _retry_after_header(value: str) -> int | None:
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        return int(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int((moment - datetime.now(UTC)).total_seconds())


def _first(answer: Any, key: str) -> dict[str, Any]:
    items = answer.get(key) if isinstance(answer, dict) else None
    first = items[0] if isinstance(items, list) and items else None
    return first if isinstance(first, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
