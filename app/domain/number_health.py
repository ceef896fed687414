"""Findings from Meta's responses about a number, its token and its webhooks, each with a remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Json = Mapping[str, Any]

OK, WARNING, PROBLEM, UNKNOWN = "ok", "warning", "problem", "unknown"

NUMBER_FIELDS = (
    "display_phone_number", "verified_name", "name_status", "quality_rating", "throughput", "status", "platform_type",
)  # fmt: skip
SCOPES = {
    "whatsapp_business_messaging": "sending",
    "whatsapp_business_management": "templates, numbers and subscriptions",
}
SOON = timedelta(days=7)
NEW_TOKEN = (
    "Make a system user's token with whatsapp_business_messaging and whatsapp_business_management in Meta's business"
    " settings, and save it: WHATSAPP_ACCESS_TOKEN, or PATCH /api/numbers/<id>, or `flask numbers add --token`."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check. `value` is what Meta said; `remedy` is set unless all is well."""

    name: str
    state: str
    text: str
    value: str | None = None
    remedy: str | None = None


_STATUS = {
    "CONNECTED": (OK, "The number is connected.", None),
    "PENDING": (PROBLEM, "The number is not registered yet.", "Register it: POST /graph/<version>/<number>/register."),
    "DISCONNECTED": (PROBLEM, "The number is not registered with the Cloud API.",
                     "Register it: POST /graph/<version>/<number>/register with its PIN."),
    "FLAGGED": (WARNING, "Its quality is low; Meta may restrict it.", "Send less, and only what people asked for."),
    "RESTRICTED": (PROBLEM, "The number has used up its limit of new conversations.", "Wait a day, and send less."),
    "RATE_LIMITED": (PROBLEM, "The number sends too much.", "Send less; the limit lifts by itself."),
    "BANNED": (PROBLEM, "Meta has banned the number.", "Appeal in WhatsApp Manager, under Account quality."),
    "OFFLINE": (PROBLEM, "The number is offline.", "Register it again: POST /graph/<version>/<number>/register."),
    "UNVERIFIED": (PROBLEM, "The number is not verified.", "Verify it with a code, then register it."),
}  # fmt: skip
_QUALITY = {
    "GREEN": (OK, "Its quality is high.", None),
    "YELLOW": (WARNING, "Its quality is medium: some people block or report it.", "Send only what people asked for."),
    "RED": (PROBLEM, "Its quality is low: many people block or report it.", "Stop campaigns until it recovers."),
    "UNKNOWN": (OK, "It has no quality rating yet: too few messages.", None),
}
_NAME = {
    "APPROVED": (OK, "Its display name is approved.", None),
    "AVAILABLE_WITHOUT_REVIEW": (OK, "Its display name needs no review.", None),
    "NON_EXISTS": (WARNING, "It has no display name.", "Set one in WhatsApp Manager."),
    "PENDING_REVIEW": (WARNING, "Its display name is under review.", "Wait for Meta."),
    "DECLINED": (PROBLEM, "Meta declined its display name.", "Choose another in WhatsApp Manager."),
    "EXPIRED": (PROBLEM, "Its display name expired.", "Ask for a review in WhatsApp Manager, then register it again."),
}
_THROUGHPUT = {
    "STANDARD": (OK, "It may send 80 messages a second.", None),
    "HIGH": (OK, "It may send 1,000 messages a second.", None),
    "NOT_APPLICABLE": (WARNING, "It has no throughput.", "Register it with the Cloud API."),
}
_PLATFORM = {
    "CLOUD_API": (OK, "It is on the Cloud API.", None),
    "ON_PREMISE": (PROBLEM, "It is on the On-Premises API, which is gone.", "Register it with the Cloud API."),
    "NOT_APPLICABLE": (PROBLEM, "It is not registered with the Cloud API.", "Register it."),
}


def read_number(answer: Json, display_phone_number: str | None) -> Iterator[Finding]:
    """Yield findings from `GET /<number>?fields=…`. `display_phone_number` is the number that is configured."""
    yield _display(answer, display_phone_number)
    throughput = answer.get("throughput")
    level = throughput.get("level") if isinstance(throughput, Mapping) else None
    for name, value, known in (
        ("name", answer.get("name_status"), _NAME),
        ("status", answer.get("status"), _STATUS),
        ("quality", answer.get("quality_rating"), _QUALITY),
        ("throughput", level, _THROUGHPUT),
        ("platform", answer.get("platform_type"), _PLATFORM),
    ):
        yield _known(name, value, known)


def read_token(answer: Json, now: datetime, waba_id: str | None) -> Iterator[Finding]:
    """Yield findings from `GET /debug_token` about the number's token."""
    if answer.get("is_valid") is not True:
        yield Finding("token", PROBLEM, "The access token is not valid.", "invalid", NEW_TOKEN)
        return
    yield _expiry(answer.get("expires_at"), now)
    granted = _texts(answer.get("scopes"))
    for scope, use in SCOPES.items():
        if scope not in granted:
            yield Finding(scope, PROBLEM, f"The token lacks the permission for {use}.", "missing", NEW_TOKEN)
        elif not _reaches(answer, scope, waba_id):
            remedy = "Give the system user this WhatsApp account in Meta's business settings, and make a new token."
            yield Finding(scope, PROBLEM, "The token's permission is for other accounts.", "elsewhere", remedy)
        else:
            yield Finding(scope, OK, f"The token has the permission for {use}.", "granted")


def read_subscription(answer: Json, app_id: str | None, waba_id: str) -> Finding:
    """Return the finding of `GET /<account>/subscribed_apps`: whether Meta sends us the account's webhooks."""
    data = answer.get("data")
    apps = [each.get("whatsapp_business_api_data") for each in data if isinstance(each, Mapping)] if data else []
    ids = [str(app.get("id")) for app in apps if isinstance(app, Mapping)]
    if app_id in ids or (app_id is None and ids):
        return Finding("subscription", OK, "The app hears of the account.", ", ".join(ids))
    remedy = f"Subscribe it, with an admin key: POST /graph/<version>/{waba_id}/subscribed_apps."
    text = "The app is not subscribed to the account, so that no webhook comes."
    return Finding("subscription", PROBLEM, text, ", ".join(ids) or "none", remedy)


def read_app(answer: Json, app: str) -> Finding | None:
    """Return whether the token belongs to the app of the configured secret, or None if the app's id is unknown."""
    told = answer.get("app_id")
    if not app.isdigit() or not isinstance(told, str):
        return None
    if told == app:
        return Finding("app", OK, "The token is of the number's app.", told)
    remedy = "Take a token of the same app as the secret, or correct the number's app id."
    return Finding("app", PROBLEM, "The token is of another app than the number.", told, remedy)


def _known(name: str, value: Any, known: Mapping[str, tuple[str, str, str | None]]) -> Finding:
    if not isinstance(value, str):
        return Finding(name, WARNING, "Meta does not say.", None, "Look in WhatsApp Manager.")
    if value not in known:
        return Finding(name, UNKNOWN, "Meta says something that this version does not know.", value,
                       "Look in WhatsApp Manager.")  # fmt: skip
    state, text, remedy = known[value]
    return Finding(name, state, text, value, remedy)


def _display(answer: Json, ours: str | None) -> Finding:
    shown, name = str(answer.get("display_phone_number") or ""), str(answer.get("verified_name") or "")
    value = f"{shown} {name}".strip() or None
    if ours and shown and "".join(filter(str.isdigit, shown)) != ours:
        return Finding("number", WARNING, "Meta shows another number than the one that was saved.", value,
                       "Correct `display_phone_number`, or the phone_number_id.")  # fmt: skip
    return Finding("number", OK, "Meta knows the number, and the token may use it.", value)


def _expiry(expires_at: Any, now: datetime) -> Finding:
    if not isinstance(expires_at, int) or not 0 < expires_at < 253_402_300_800:
        return Finding("token", OK, "The access token is valid and does not expire.", "valid")
    moment = datetime.fromtimestamp(expires_at, UTC)
    if moment - now > SOON:
        return Finding("token", OK, "The access token is valid.", f"until {moment:%Y-%m-%d %H:%M} UTC")
    return Finding("token", WARNING, "The access token expires soon.", f"until {moment:%Y-%m-%d %H:%M} UTC", NEW_TOKEN)


def _reaches(answer: Json, scope: str, waba_id: str | None) -> bool:
    """Return whether a permission covers the account. A permission that names no accounts covers all of them."""
    granular = answer.get("granular_scopes")
    for each in granular if isinstance(granular, list) else []:
        if isinstance(each, Mapping) and each.get("scope") == scope:
            targets = _texts(each.get("target_ids"))
            return not targets or waba_id is None or waba_id in targets
    return True


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
