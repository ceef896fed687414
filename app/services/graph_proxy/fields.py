"""Check the `fields` parameter of a call. Nested fields lead to other objects of the token, so few are allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.errors import Forbidden, Invalid

LONGEST = 4000

_NUMBER = frozenset(
    "code_verification_status display_phone_number id is_official_business_account is_on_biz_app"
    " is_pin_enabled last_onboarded_time messaging_limit_tier name_status new_name_status platform_type quality_rating"
    " quality_score status throughput verified_name".split()
)
_NAMED = frozenset({"id", "name"})

NESTED: dict[str, frozenset[str]] = {
    "conversational_automation": frozenset({"id", "prompts", "commands", "enable_welcome_message"}),
    "events": frozenset({"id", "delivery_status", "timestamp", "webhook_update_state", "error_description"}),
    "message_templates": frozenset(
        "category components id language library_template_name name parameter_format previous_category quality_score"
        " rejected_reason status sub_category".split()
    ),
    "on_behalf_of_business_info": _NAMED | {"status", "type"},
    "owner_business_info": _NAMED,
    "phone_numbers": _NUMBER,
    "subscribed_apps": frozenset({"whatsapp_business_api_data", "override_callback_uri"}),
    "throughput": frozenset({"level"}),
    "webhook_configuration": frozenset({"application", "phone_number", "whatsapp_business_account"}),
}
"""The fields that may be nested in each field."""

MODIFIERS = frozenset({"invalidate", "limit", "phone_number", "summary"})
"""Modifiers that may follow a field, as in `message_templates.limit(5)`. They limit it and reveal nothing else."""

_PARTS = re.compile(r"\s*(?:(?P<name>[a-z][a-z0-9_]*)|\.(?P<modifier>[a-z_]+)\([a-z0-9_]*\)|(?P<sign>[{},]))\s*")


@dataclass(frozen=True, slots=True)
class Field:
    """A field's name, and the field that it is nested in; empty at the top level."""

    name: str
    inside: str


def read_fields(text: str) -> list[Field]:
    """Parse a `fields` parameter.

    Raises `Invalid` for a syntax error, and `Forbidden` for a field that is not allowed.
    """
    found = list(_walk(text)) if len(text) <= LONGEST else [Field("", "")]
    if any(not field.name for field in found):
        raise Invalid(fields={"fields": ["must be names with commas between them, as in id,name,phone_numbers{id}"]})
    refused = sorted({field.name for field in found if not _may_stand(field)})
    if refused:
        raise Forbidden(f"These `fields` are not handed on, here or at all: {', '.join(refused)[:200]}.")
    return found


def _may_stand(field: Field) -> bool:
    if field.name == "access_token" or field.name.startswith("."):
        return False
    return not field.inside or field.name in NESTED.get(field.inside, ())


def _walk(text: str) -> Iterator[Field]:
    """Yield each field; one without a name for a syntax error, one named `.name` for an unknown modifier."""
    inside, last, at = [""], "", 0
    while at < len(text):
        part = _PARTS.match(text, at)
        if part is None or (part["name"] and last) or (part["sign"] == "{" and not last):
            yield Field("", "")
            return
        at = part.end()
        if part["name"]:
            last = part["name"]
            yield Field(last, inside[-1])
        elif part["modifier"]:
            if part["modifier"] not in MODIFIERS:
                yield Field(f".{part['modifier']}", "")
        elif part["sign"] == "{":
            inside.append(last)
            last = ""
        elif part["sign"] == "}":
            inside.pop()
            last = last or "}"
            if not inside:
                yield Field("", "")
                return
        else:
            last = ""
    if len(inside) > 1:
        yield Field("", "")
