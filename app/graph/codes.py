"""What Graph's error codes mean to a sender: one table for HTTP answers and for `failed` statuses.

Meta asks not to build on HTTP statuses, titles or subcodes, so the code alone decides where it is known.
Source: Meta, support/error-codes and groups/error-codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ErrorClass(StrEnum):
    """What to do about an error."""

    RETRY = "retry"
    RATE_NUM = "rate_num"
    RATE_PAIR = "rate_pair"
    RATE_APP = "rate_app"
    STOP_NUM = "stop_num"
    AUTH = "auth"
    PERMISSION = "permission"
    WINDOW = "window"
    USER = "user"
    REQ = "req"
    TPL = "tpl"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class Meaning:
    """The class of an error code, and a plain explanation for the person who sent the message.

    `retries` limits how often a RETRY makes sense (None: until the message expires); `pause_seconds` is the first
    pause, where Meta names one.
    """

    error_class: ErrorClass
    explanation: str
    retries: int | None = None
    pause_seconds: int | None = None


RETRY, RATE_NUM, RATE_PAIR, RATE_APP, STOP_NUM, AUTH, PERMISSION, WINDOW, USER, REQ, TPL, SETUP = ErrorClass

CODES: dict[int, Meaning] = {
    0: Meaning(AUTH, "Meta could not authenticate the access token."),
    1: Meaning(RETRY, "Meta reports an unknown error, or did not understand the request.", retries=2),
    2: Meaning(RETRY, "Meta's service is down or overloaded."),
    3: Meaning(PERMISSION, "The app lacks the capability or permission for this call."),
    4: Meaning(RATE_APP, "The app has made too many calls."),
    10: Meaning(PERMISSION, "The permission was not granted, or was taken away."),
    33: Meaning(SETUP, "The business phone number was deleted, or its id is wrong."),
    100: Meaning(REQ, "A parameter is invalid or unknown, or the object named does not exist for this token."),
    102: Meaning(AUTH, "The session of the access token is not valid."),
    104: Meaning(AUTH, "The request's signature is not valid."),
    190: Meaning(AUTH, "The access token expired, was revoked, or is malformed."),
    368: Meaning(STOP_NUM, "Meta restricted the account for breaking a policy."),
    613: Meaning(RATE_APP, "This endpoint's call limit is reached."),
    803: Meaning(REQ, "Meta knows no object by that id."),
    80007: Meaning(RATE_APP, "The business account's call limit is reached."),
    130403: Meaning(USER, "The business has blocked this recipient."),
    130429: Meaning(RATE_NUM, "The number sends faster than its throughput allows."),
    130472: Meaning(USER, "The recipient is part of an experiment of Meta's and gets no marketing messages."),
    130497: Meaning(USER, "The business may not message people in this country."),
    131000: Meaning(RETRY, "Something went wrong at Meta."),
    131005: Meaning(PERMISSION, "Access denied: the token lacks a permission."),
    131008: Meaning(REQ, "A required parameter is missing."),
    131009: Meaning(REQ, "A parameter's value is not valid."),
    131014: Meaning(RETRY, "Meta could not fetch the media from its link.", retries=1),
    131016: Meaning(RETRY, "Meta's service is not available at the moment."),
    131020: Meaning(REQ, "The group cannot be used."),
    131021: Meaning(REQ, "Sender and recipient are the same number."),
    131026: Meaning(USER, "Undeliverable: not on WhatsApp, too old a version, terms not accepted, or blocked."),
    131030: Meaning(SETUP, "The recipient is not on the test number's list of allowed recipients."),
    131031: Meaning(STOP_NUM, "Meta locked the account."),
    131037: Meaning(SETUP, "The number's display name is not approved."),
    131041: Meaning(REQ, "Meta knows no such group."),
    131042: Meaning(STOP_NUM, "There is a problem with the account's payment method."),
    131044: Meaning(STOP_NUM, "There is a problem with the account's payment method for calls."),
    131045: Meaning(SETUP, "The number is not properly registered; register it again."),
    131047: Meaning(WINDOW, "More than 24 hours since the recipient last wrote; send a template."),
    131048: Meaning(STOP_NUM, "Too many messages of this number were blocked or reported as spam."),
    131049: Meaning(USER, "Meta held back a marketing message to this recipient; wait at least a day."),
    131050: Meaning(USER, "The recipient stopped marketing messages from this business."),
    131051: Meaning(REQ, "Meta does not support this type of message."),
    131052: Meaning(REQ, "The recipient's media could not be downloaded, or is too large."),
    131053: Meaning(RETRY, "Meta could not take the media: its type, its size, or a link it cannot reach.", retries=3),
    131055: Meaning(REQ, "The Marketing Messages API does not allow this."),
    131056: Meaning(RATE_PAIR, "Too many messages to this recipient in a short time."),
    131057: Meaning(RETRY, "The account is in maintenance, usually for a minute.", pause_seconds=60),
    131059: Meaning(REQ, "The paging cursor is not valid."),
    131060: Meaning(REQ, "The recipient's message is not available."),
    131062: Meaning(REQ, "This message cannot go to a business-scoped user id; use the phone number."),
    131063: Meaning(SETUP, "Marketing templates are switched off for this account on the Cloud API."),
    131064: Meaning(STOP_NUM, "Sending is limited over how templates were classified; it lifts by itself."),
    131207: Meaning(REQ, "The group is suspended."),
    131208: Meaning(RATE_APP, "Too many calls about groups."),
    131211: Meaning(SETUP, "The number may create no more groups."),
    131214: Meaning(SETUP, "Creating groups is switched off for this number."),
    131215: Meaning(SETUP, "The number may not use groups."),
    132000: Meaning(TPL, "The number of parameters does not match the template."),
    132001: Meaning(TPL, "No approved template by that name in that language."),
    132005: Meaning(TPL, "The template's text, filled in, is too long."),
    132007: Meaning(TPL, "The template breaks WhatsApp's content policy."),
    132008: Meaning(TPL, "A template parameter's value is not valid."),
    132012: Meaning(TPL, "A template parameter has the wrong format."),
    132015: Meaning(TPL, "The template is paused for low quality."),
    132016: Meaning(TPL, "The template is disabled for good."),
    132018: Meaning(TPL, "A template parameter is not valid."),
    132068: Meaning(TPL, "The template's flow is blocked."),
    132069: Meaning(TPL, "The template's flow is throttled."),
    133000: Meaning(SETUP, "An earlier deregistration of the number is not complete."),
    133004: Meaning(RETRY, "Meta's server is not available at the moment."),
    133005: Meaning(SETUP, "The two-step verification PIN is wrong."),
    133006: Meaning(SETUP, "The number must be verified again before it is registered."),
    133008: Meaning(SETUP, "Too many wrong PINs; wait before the next."),
    133009: Meaning(SETUP, "PINs were tried too fast; wait before the next."),
    133010: Meaning(SETUP, "The number is not registered with the Cloud API."),
    133015: Meaning(SETUP, "The number was deleted just now; wait five minutes."),
    133016: Meaning(SETUP, "The number was registered and deregistered too often."),
    134011: Meaning(SETUP, "The terms for payments are not accepted."),
    134100: Meaning(TPL, "The Marketing Messages API takes marketing templates only."),
    134101: Meaning(RETRY, "The template is still being copied; wait ten minutes.", pause_seconds=600),
    134102: Meaning(RETRY, "The Marketing Messages API failed."),
    135000: Meaning(RETRY, "A failure without a reason, often a wrong parameter.", retries=1),
    137000: Meaning(USER, "The recipient's identity changed; verify who they are."),
    138005: Meaning(RATE_NUM, "Too many calls by this number."),
    138006: Meaning(USER, "The recipient has not permitted calls."),
    139102: Meaning(RETRY, "The block list was changed at the same time."),
    139103: Meaning(RETRY, "The block list failed at Meta."),
    2494100: Meaning(RETRY, "The number is in maintenance.", pause_seconds=60),
}

RANGES: tuple[tuple[range, Meaning], ...] = (
    (range(200, 300), Meaning(PERMISSION, "The token lacks the permission for this.")),
    (range(131201, 131216), Meaning(REQ, "The group does not allow this.")),
    (range(138000, 138019), Meaning(REQ, "The call is not possible.")),
    (range(139000, 139005), Meaning(REQ, "The flow does not allow this.")),
    (range(139100, 139104), Meaning(REQ, "The block list could not be changed.")),
    (range(147001, 147006), Meaning(REQ, "The business username is not possible.")),
    (range(200005, 200008), Meaning(SETUP, "Template insights are not switched on.")),
    (range(2388000, 2389000), Meaning(REQ, "Meta refused the change to a number or a template.")),
    (range(2494164, 2494192), Meaning(REQ, "Meta does not permit this for the number.")),
    (range(2593107, 2593110), Meaning(SETUP, "The history of the WhatsApp Business app can no longer be copied.")),
)

# Codes for which Meta asks to send later, for a reason of their own: with these even a 5xx means that nothing was sent.
# The other retryable codes (1, 131000, …) only say that something failed, perhaps after the message was sent.
DEFINITE = frozenset({2, 131014, 131016, 133004, 131053, 131057, 134101, 139102, 2494100})


def meaning(code: int | None) -> Meaning | None:
    """Return what is known about a code, or None."""
    if code is None:
        return None
    return CODES.get(code) or next((known for codes, known in RANGES if code in codes), None)


def classify(code: int | None, http_status: int | None = None, is_transient: bool = False) -> ErrorClass:
    """Return an error's class: by its code if that is known, else by the HTTP status and `is_transient`."""
    known = meaning(code)
    if known:
        return known.error_class
    if is_transient or (http_status or 0) >= 500:
        return ErrorClass.RETRY
    if http_status == 429:
        return ErrorClass.RATE_APP
    return {401: ErrorClass.AUTH, 403: ErrorClass.PERMISSION}.get(http_status or 0, ErrorClass.REQ)
