"""Graph's refusals: the codes, the sentences and the HTTP statuses that go with them.

Source: Meta's page support/error-codes.
"""

from __future__ import annotations

from typing import Any

_CODES: dict[int, tuple[int, str]] = {
    1: (400, "API Unknown"),
    2: (503, "API Service"),
    4: (400, "API Too Many Calls"),
    10: (403, "Application does not have permission for this action"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token - Cannot parse access token"),
    200: (403, "Provide valid app ID"),
    368: (403, "Temporarily blocked for policies violations"),
    80007: (400, "Rate limit issues"),
    130403: (403, "User is blocked by the business"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country."),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Account has been locked"),
    131037: (400, "Display name approval needed"),
    131041: (400, "Unknown group"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement."),
    131050: (400, "User has stopped marketing messages from your business"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Business-scoped user ids are not supported for this message"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Hydrated text too long"),
    132007: (400, "Template format character policy violated"),
    132008: (400, "Template parameter value is not valid"),
    132012: (400, "Template parameter format mismatch"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "Template parameters are not valid"),
    133005: (400, "Two step verification PIN Mismatch"),
    133006: (400, "Phone number re-verification needed"),
    133008: (400, "Too Many two step verification PIN Guesses"),
    133009: (400, "Two step verification PIN Guessed Too Fast"),
    133010: (400, "Phone number not registered"),
    133015: (400, "Please wait a few minutes before attempting to register this phone number"),
    133016: (400, "Account register deregister rate limit exceeded"),
    135000: (400, "Generic user error"),
    139100: (400, "Failed to block or unblock some users"),
    139101: (400, "Blocklist limit reached"),
    2200: (400, "Callback verification failed"),
    2388019: (400, "Message template limit exceeded"),
    2388024: (400, "Content in this language already exists"),
    2388043: (400, "Message template is missing an example"),
    2388299: (400, "Variables cannot be at the start or end of the template"),
}


class GraphRefusal(Exception):
    """Meta said no; `to_json()` is the body it says it with and `status` the HTTP status."""

    def __init__(
        self, code: int, details: str = "", message: str = "", subcode: int | None = None, status: int | None = None
    ) -> None:
        known_status, title = _CODES.get(code, (400, "Unknown error"))
        super().__init__(code, details, message, subcode, status)
        self.code = code
        self.title = title
        self.details = details
        self.message = message or f"(#{code}) {title}"
        self.subcode = subcode
        self.status = status or known_status

    def to_json(self, trace: str) -> dict[str, Any]:
        """The body of a Graph error (Meta: support/error-codes, "Graph API error response")."""
        error: dict[str, Any] = {"message": self.message, "type": "OAuthException", "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        return {"error": {**error, "fbtrace_id": trace}}

    def to_webhook(self) -> dict[str, Any]:
        """The same refusal as a `failed` status carries it."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.title,
            "error_data": {"details": self.details},
            "href": "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes",
        }


def title_of(code: int) -> str:
    """What Meta calls an error."""
    return _CODES.get(code, (400, "Unknown error"))[1]


def unknown_object(object_id: str, method: str) -> GraphRefusal:
    """What Graph answers for an id it does not know, or that the token may not see."""
    verb = {"GET": "get", "DELETE": "delete"}.get(method, "post")
    message = (
        f"Unsupported {verb} request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api"
    )
    return GraphRefusal(100, message=message, subcode=33)


def missing(path: str) -> GraphRefusal:
    """A field that has to be there is not."""
    return GraphRefusal(131008, f"Parameter '{path}' is required")


def invalid(path: str, why: str) -> GraphRefusal:
    """A field is there and its value will not do."""
    return GraphRefusal(131009, f"Parameter '{path}' {why}")


def malformed(path: str, why: str) -> GraphRefusal:
    """A field is of another JSON type than the one Graph reads."""
    return GraphRefusal(100, f"Param {path} {why}", message=f"(#100) Param {path} {why}")


def unexpected(key: str, path: str) -> GraphRefusal:
    """A key that Graph does not know there: unlike most APIs, it refuses the whole request."""
    where = f' on param "{path}"' if path else ""
    text = f'Unexpected key "{key}"{where}'
    return GraphRefusal(100, text, message=f"(#100) {text}")
