"""The gateway's errors: one family, free of any framework.

Each has a stable `code`, a `message` that is safe to show, and says whether trying again may help.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, TypeVar

GraphErrorT = TypeVar("GraphErrorT", bound="GraphError")


class GatewayError(Exception):
    """Base class of the errors for requests that the gateway refuses, or cannot carry out now."""

    code = "internal"
    retryable = False
    default = "Something went wrong on our side."

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
        message_id: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message or self.default)
        self.message = message or self.default
        self.fields = fields
        self.meta = meta
        self.message_id = message_id
        self.retry_after = retry_after

    def shown_meta(self) -> dict[str, Any] | None:
        """`meta`, as it may be shown to whoever asked."""
        return self.meta


class Malformed(GatewayError):
    """The bytes of the request cannot be parsed."""

    code = "malformed"
    default = "The body is not a JSON object."


class BadSignature(GatewayError):
    """No app secret of ours signed the webhook. The message never says why."""

    code = "unauthenticated"
    default = "Unauthorised."


class Unauthenticated(GatewayError):
    """The API key is missing or unknown."""

    code = "unauthenticated"
    default = "Send an API key: `Authorization: Bearer <key>`."
    unknown = "This API key is unknown, or was revoked: `flask keys list` shows those that are in use."


class Forbidden(GatewayError):
    """The API key is known but lacks the scope that the route needs."""

    code = "forbidden"
    default = "This key may not do that."


class NotFound(GatewayError):
    """There is nothing with this id, or nothing that this key may see."""

    code = "not_found"
    default = "Nothing here by that name."


class CursorGone(GatewayError):
    """The cursor is not in this database's order of events. `meta` says where to continue."""

    code = "cursor_gone"
    default = (
        "This database does not have the event that the cursor names: it is another one, or an older copy of it was"
        " put back. Go on with `after` as `meta.start` says: the last event here that is not younger, so that whatever"
        " happened since comes, some of it perhaps for the second time."
    )


class Throttled(GatewayError):
    """The caller tried too often."""

    code = "throttled"
    retryable = True
    default = "Too many tries. Wait ten minutes."


class TooManyWaiting(GatewayError):
    """More requests are waiting for events than one key, or one process, may have."""

    code = "throttled"
    retryable = True
    default = "Too many requests wait for events at once; let one wait at a time, or leave `wait` out."


class TooLarge(GatewayError):
    """The body is larger than the route allows."""

    code = "too_large"
    default = "The body is too large."


class TooSlow(GatewayError):
    """The body did not arrive in time, or its connection was needed for other requests."""

    code = "too_slow"
    retryable = True
    default = "The body did not come in time."


class LengthRequired(GatewayError):
    """The body is chunked, and the server does not say where it ends."""

    code = "length_required"
    default = "This server cannot read a chunked body. Send it with a Content-Length."


class UnsupportedMediaType(GatewayError):
    """The request does not say that its body is JSON."""

    code = "unsupported_media_type"
    default = "Send JSON: `Content-Type: application/json`."


class Invalid(GatewayError):
    """The request can be parsed but is not valid; `fields` says what is wrong and why.

    It lists the first `MOST_PROBLEMS` problems and the number of `hidden` ones: nobody reads all of them, and a
    response must not be many times larger than its request.
    """

    code = "invalid_request"
    default = "Some fields are not valid."

    def __init__(self, message: str | None = None, *, fields: dict[str, Any] | None = None, **more: Any) -> None:
        shown = dict(islice((fields or {}).items(), MOST_PROBLEMS))
        self.hidden = len(fields or {}) - len(shown)
        told = f"{message or self.default} {self.hidden:,} more are not shown." if self.hidden else message
        super().__init__(told, fields={_short(path): said for path, said in shown.items()}, **more)


MOST_PROBLEMS = 50
LONGEST_PATH = 200


def _short(path: str) -> str:
    return path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…"


class IdempotencyMismatch(GatewayError):
    """The `Idempotency-Key` was used for another request."""

    code = "idempotency_mismatch"
    default = "This Idempotency-Key was used for another request; take a new key for a new message."


class IdempotencyConflict(GatewayError):
    """The first request with this `Idempotency-Key` is still running."""

    code = "idempotency_conflict"
    retryable = True
    default = "The first request with this Idempotency-Key is still running; ask again in a moment."


class WindowClosed(GatewayError):
    """The message is free text, and the customer's 24-hour window is closed."""

    code = "window_closed"
    default = (
        "The customer wrote more than 24 hours ago, so Meta takes only a template now. Send a template, or `force` to"
        " let Meta decide."
    )


class OptedOut(GatewayError):
    """The message is marketing, and the customer has opted out."""

    code = "opted_out"
    default = (
        "The customer wants no marketing from this number: neither templates of that category, nor anything but"
        " templates with the priority `bulk`. Use `force` if this one is no marketing."
    )


class WrongState(GatewayError):
    """The action is not possible in the message's present status."""

    code = "wrong_state"
    default = "The message is in a state that does not allow this."


class AnsweredMeanwhile(GatewayError):
    """Somebody else has written to the customer since; `meta` holds the `messages` (`id`, `sent_by`)."""

    code = "answered_meanwhile"
    default = "Somebody answered meanwhile. Look at it, and send again with `anyway` if yours is still wanted."


class AlreadyExists(GatewayError):
    """The thing to be added exists already."""

    code = "already_exists"
    default = "This is there already."


class Unavailable(GatewayError):
    """The database cannot be read or written at the moment; nothing was acknowledged.

    `reason` says why, for people who run the service: in logs, `/readyz` and alerts, not for callers.
    """

    code = "unavailable"
    retryable = True
    default = "The service cannot reach its database at the moment. Try again."

    def __init__(self, message: str | None = None, *, reason: str = "", **more: Any) -> None:
        super().__init__(message, **more)
        self.reason = reason or self.default


class GraphError(GatewayError):
    """Base class of the results of a failed call to Meta's Graph API.

    `said` is Meta's own error object, without tokens and otherwise unchanged. It may quote the recipient, so only the
    caller gets it; unlike `meta` it is neither logged nor stored.
    """

    said: dict[str, Any] | None = None

    def as_a(self, kind: type[GraphErrorT], message: str | None = None) -> GraphErrorT:
        """The same, meaning something else to whoever made this call."""
        error = kind(message, meta=self.meta, message_id=self.message_id, retry_after=self.retry_after)
        error.said = self.said
        return error

    def shown_meta(self) -> dict[str, Any] | None:
        """What Meta said, for whoever made the call: with its own words instead of those that may be kept."""
        data = (self.said or {}).get("error_data")
        details = data.get("details") if isinstance(data, dict) else None
        found = {
            "details": details or (self.said or {}).get("error_user_msg") or (self.said or {}).get("message"),
            "subcode": (self.said or {}).get("error_subcode"),
            "user_title": (self.said or {}).get("error_user_title"),
            "user_message": (self.said or {}).get("error_user_msg"),
        }
        return {**(self.meta or {}), **{name: value for name, value in found.items() if value is not None}} or None


class GraphRefused(GraphError):
    """Meta refused for good, because of the recipient, the template, the window or the request."""

    code = "refused"
    default = "Meta refused the message."


class GraphThrottled(GraphError):
    """Meta limits the rate. The message was not accepted; a later try is safe."""

    code = "throttled"
    retryable = True
    default = "Meta asks to slow down."


class GraphUnavailable(GraphError):
    """The request never reached Meta, or Meta said that it cannot serve it now. A later try is safe."""

    code = "unavailable"
    retryable = True
    default = "Meta cannot be reached at the moment."


class GraphNotTried(GraphError):
    """The call was never made: too many calls before it got no clear answer, or its process is stopping."""

    code = "unavailable"
    retryable = True
    default = "The message was not sent yet."


class GraphUnauthorised(GraphError):
    """Meta does not accept the number's token."""

    code = "meta_unauthorised"
    default = "Meta does not accept this number's access token."


class GraphUnknown(GraphError):
    """The request left, and no definite answer came. It may have been sent: do not send it again blindly."""

    code = "unknown"
    default = "Meta's answer did not come; the message may have been sent."
