"""Findings from what Meta says of token, limit, payment, callback and templates, beside those of `number_health`.

Sources: Meta's pages access-tokens, messaging-limits, support/health-status and webhooks/override.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.number_health import NEW_TOKEN, OK, PROBLEM, UNKNOWN, WARNING, Finding

Json = Mapping[str, Any]

MORE_NUMBER_FIELDS = (
    "code_verification_status", "whatsapp_business_manager_messaging_limit", "health_status", "webhook_configuration",
    "is_on_biz_app",
)  # fmt: skip
"""Fields of a number that older versions of Graph do not know; one unknown field makes Graph refuse the call."""

SHORT = timedelta(days=3)
"""A token that lives no longer than this is one of those that the dashboard makes for trials."""

PAYMENT_CODES = frozenset({131042, 141006})

_TIERS = {"TIER_50": "50", "TIER_250": "250", "TIER_1K": "1,000", "TIER_2K": "2,000", "TIER_10K": "10,000",
          "TIER_100K": "100,000", "TIER_UNLIMITED": "any number of"}  # fmt: skip


def read_kind(answer: Json, now: datetime) -> Finding:
    """Return whether a token of `debug_token` is one to work with: a system user's, and not one for trials."""
    kind, ends = str(answer.get("type") or ""), answer.get("expires_at")
    lives = datetime.fromtimestamp(ends, UTC) - now if isinstance(ends, int) and 0 < ends < 10**11 else None
    if kind == "APP":
        return Finding("kind", PROBLEM, "It is the token of an app, which sends nothing.", kind, NEW_TOKEN)
    if kind == "USER" or (lives is not None and lives < SHORT):
        text = "It is a temporary token of the dashboard, which ends within a day."
        if lives is None or lives > SHORT:
            text = "It is a person's token: it ends when that person leaves, or changes the password."
        return Finding("kind", WARNING, text, kind or None, NEW_TOKEN)
    return Finding("kind", OK, "It is a system user's token.", kind or None)


def read_verified(answer: Json) -> Finding | None:
    """Return whether somebody proved that the number is theirs; None if Meta does not say."""
    value = answer.get("code_verification_status")
    if not isinstance(value, str):
        return None
    if value == "VERIFIED":
        return Finding("verified", OK, "The number is verified.", value)
    if value == "EXPIRED":  # as of every number some weeks after it was verified; it goes on working
        return Finding("verified", OK, "The number was verified; that is needed again only to register it anew.", value)
    remedy = "Verify it in WhatsApp Manager, under Phone numbers, by a code, then `flask connect`."
    return Finding("verified", PROBLEM, "Nobody proved that the number is theirs.", value, remedy)


def read_limit(answer: Json) -> Finding | None:
    """Return how many people may be written to first in a day; None if Meta does not say."""
    value = answer.get("whatsapp_business_manager_messaging_limit")
    if not isinstance(value, str):
        return None
    if value in _TIERS:
        text = f"You may write to {_TIERS[value]} people a day who have not written to you."
        if value in ("TIER_50", "TIER_250"):
            remedy = "Verify the business in Meta's business settings to reach more people."
            return Finding("limit", WARNING, text, value, remedy)
        return Finding("limit", OK, text, value)
    return Finding("limit", UNKNOWN, "Meta names a limit that this version does not know.", value,
                   "Look in WhatsApp Manager.")  # fmt: skip


def read_health(answer: Json) -> Iterator[Finding]:
    """Yield what `health_status` says keeps messages back: first payment, then anything else."""
    health = answer.get("health_status")
    entities = health.get("entities") if isinstance(health, Mapping) else None
    trouble = [
        error
        for entity in (entities if isinstance(entities, list) else [])
        if isinstance(entity, Mapping) and entity.get("can_send_message") != "AVAILABLE"
        for error in (entity.get("errors") or [])
        if isinstance(error, Mapping)
    ]
    payment = [error for error in trouble if error.get("error_code") in PAYMENT_CODES]
    if payment:
        text = "The account has no payment method that works: templates and most answers are not delivered (131042)."
        remedy = "Add one in Meta's business settings, under Billing and payments, for this WhatsApp account."
        yield Finding("payment", PROBLEM, text, str(payment[0].get("error_code")), remedy)
    elif isinstance(health, Mapping):
        yield Finding("payment", OK, "Meta reports no trouble with payment.")
    for error in trouble:
        if error not in payment:
            said = str(error.get("error_description") or "Meta keeps messages back.")[:300]
            remedy = str(error.get("possible_solution") or "Look in WhatsApp Manager.")[:300]
            yield Finding("health", PROBLEM, said, str(error.get("error_code") or ""), remedy)


def overrides(number: Json, apps: Json, callback_url: str) -> list[str]:
    """Return the addresses that get this number's webhooks instead of ours; empty if there are none.

    `number` is the answer about the number with `webhook_configuration`, `apps` that of `subscribed_apps`.
    """
    configured = number.get("webhook_configuration")
    found = [
        str(configured.get(level) or "")
        for level in ("phone_number", "whatsapp_business_account")
        if isinstance(configured, Mapping)
    ]
    data = apps.get("data")
    found += [
        str(each.get("override_callback_uri") or "")
        for each in (data if isinstance(data, list) else [])
        if isinstance(each, Mapping)
    ]
    return sorted({url for url in found if url and url != callback_url})


def app_callback(answer: Json) -> tuple[str, bool, frozenset[str]]:
    """Return where an app's webhooks go ("": nowhere), whether that is switched on, and for which fields."""
    data = answer.get("data")
    for each in data if isinstance(data, list) else []:
        if isinstance(each, Mapping) and each.get("object") == "whatsapp_business_account":
            fields = each.get("fields")
            names = [each.get("name") if isinstance(each, Mapping) else each for each in fields or []]
            return str(each.get("callback_url") or ""), each.get("active") is not False, frozenset(map(str, names))
    return "", False, frozenset()


def stopped_templates(answer: Json) -> dict[str, list[str]]:
    """Return templates that cannot be sent, as `name (language)` by their state: PAUSED, DISABLED or REJECTED."""
    found: dict[str, list[str]] = {}
    data = answer.get("data")
    for each in data if isinstance(data, list) else []:
        if isinstance(each, Mapping) and each.get("status") in ("PAUSED", "DISABLED", "REJECTED"):
            found.setdefault(str(each["status"]), []).append(f"{each.get('name')} ({each.get('language')})")
    return found
