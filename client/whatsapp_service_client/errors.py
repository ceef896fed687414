"""What the gateway refuses, as exceptions. All are a `GatewayError`; a program looks at `code` and `retryable`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GatewayError(Exception):
    """The gateway refused a request, could not carry it out, or did not answer.

    `code` is a stable word (`window_closed`, `invalid_request`, …), `retryable` says whether the same request may
    succeed later, `fields` what is wrong with each field by its dotted path, and `meta` what Meta said. `status` is the
    HTTP status, or 0 without an answer. `id` is our id of the message, where one was stored in spite of the error.
    `retry_after` is in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int = 0,
        retryable: bool = False,
        fields: Mapping[str, list[str]] | None = None,
        meta: Mapping[str, Any] | None = None,
        id: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.retryable = retryable
        self.fields = dict(fields or {})
        self.meta = dict(meta or {})
        self.id = id
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        wrong = (f"{name}: {', '.join(map(str, reasons))}" for name, reasons in self.fields.items())
        return "; ".join([f"{self.message} ({self.code})", *wrong])


class Unreachable(GatewayError):
    """No answer came: wrong address, no network, or the gateway is down. What was asked may have been done."""


class NotAGateway(GatewayError):
    """Something answered that is no gateway: a proxy's page, or another service. Check the address."""


class Unauthenticated(GatewayError):
    """The API key is missing, unknown or revoked."""


class Forbidden(GatewayError):
    """The key lacks the scope that this needs, or is bound to some numbers."""


class NotFound(GatewayError):
    """There is nothing with this id, or nothing that this key may see."""


class Invalid(GatewayError):
    """The request is not valid; `fields` says what is wrong and why."""


class WindowClosed(GatewayError):
    """The customer wrote more than 24 hours ago: send a template, or `force` to let Meta decide."""


class OptedOut(GatewayError):
    """The message is marketing, and the customer wants none."""


class Refused(GatewayError):
    """Meta refused it; `meta` says why."""


class WrongState(GatewayError):
    """What was asked is not possible in the present state."""


class Conflict(GatewayError):
    """Somebody answered meanwhile, it exists already, or the key of an earlier request is in use."""


class Throttled(GatewayError):
    """Too much at once; `retry_after` says for how many seconds to wait."""


class Unavailable(GatewayError):
    """The gateway cannot do it now. Nothing was done, and trying again is safe."""


class CursorGone(GatewayError):
    """The gateway does not have the event that a cursor names. `start` is where to continue."""

    @property
    def start(self) -> str:
        """The `after` to continue from; some events may come a second time."""
        return str(self.meta.get("start", "0"))


KINDS: dict[str, type[GatewayError]] = {
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not_found": NotFound,
    "invalid_request": Invalid,
    "malformed": Invalid,
    "window_closed": WindowClosed,
    "opted_out": OptedOut,
    "refused": Refused,
    "template_invalid": Refused,
    "wrong_state": WrongState,
    "already_exists": Conflict,
    "answered_meanwhile": Conflict,
    "idempotency_conflict": Conflict,
    "idempotency_mismatch": Conflict,
    "throttled": Throttled,
    "unavailable": Unavailable,
    "cursor_gone": CursorGone,
}
"""Which exception a code is raised as; a code that is not here is a plain `GatewayError`."""


def error_of(status: int, body: Any, retry_after: float | None) -> GatewayError:
    """Make the exception of an answer. `body` is what its JSON held, or None where it was none."""
    details = body.get("error") if isinstance(body, dict) else None
    if not isinstance(details, dict) or "code" not in details:
        return NotAGateway(
            f"The answer (HTTP {status}) is not of a gateway: check the address, and what stands in front of it.",
            code=f"http_{status}", status=status, retryable=status >= 500 or status == 429, retry_after=retry_after,
        )  # fmt: skip
    code = str(details["code"])
    return KINDS.get(code, GatewayError)(
        str(details.get("message", "")),
        code=code,
        status=status,
        retryable=bool(details.get("retryable")),
        fields=details.get("fields"),
        meta=details.get("meta"),
        id=body.get("id"),
        request_id=body.get("request_id"),
        retry_after=retry_after,
    )
