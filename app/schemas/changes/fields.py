"""The parser of each webhook field. A new field needs an entry here and a test case."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.domain.notifications import Fact, Unreadable
from app.schemas.change import Change
from app.schemas.changes.account import parse_account, parse_handover, parse_unknown
from app.schemas.changes.calls import parse_calls
from app.schemas.changes.echoes import parse_echoes
from app.schemas.changes.groups import parse_groups
from app.schemas.changes.history import parse_history
from app.schemas.changes.messages import parse_messages
from app.schemas.changes.people import parse_preferences, parse_state_sync
from app.schemas.changes.standby import parse_standby
from app.schemas.lenient import as_object

FieldReader = Callable[[Change], Iterator[Fact]]

FIELDS: dict[str, FieldReader] = {
    "messages": parse_messages,
    "message_echoes": parse_echoes,
    "smb_message_echoes": parse_echoes,
    "history": parse_history,
    "smb_app_state_sync": parse_state_sync,
    "standby": parse_standby,
    "messaging_handovers": parse_handover,
    "calls": parse_calls,
    "group_lifecycle_update": parse_groups,
    "group_participants_update": parse_groups,
    "group_settings_update": parse_groups,
    "group_status_update": parse_groups,
    "user_preferences": parse_preferences,
}
"""Parsers of fields about conversations (Meta: webhooks/overview). The values of these fields are objects."""

ACCOUNT_FIELDS = frozenset(
    {"automatic_events", "consumer_profile", "flows", "security", "tracking_events", "whatsapp_account"}
)
ACCOUNT_PREFIXES = (
    "account_",
    "business_",
    "message_template_",
    "partner_",
    "payment_",
    "phone_number_",
    "template_",
)
"""Prefixes of fields about accounts. Meta adds such fields several times a year."""


def parse_change(change: Change) -> Iterator[Fact]:
    """Yield every fact of a change, at least one: a change without known content becomes one unknown fact."""
    reader = _reader_of(change)
    if not isinstance(change.value, dict) and reader not in (parse_account, parse_unknown):
        yield Unreadable("The change is not an object.", change.value)
        return
    found = False
    for fact in reader(change):
        found = True
        yield fact
    if not found:
        yield from parse_unknown(change)


def _reader_of(change: Change) -> FieldReader:
    if change.field in FIELDS:
        return FIELDS[change.field]
    if change.field in ACCOUNT_FIELDS or change.field.startswith(ACCOUNT_PREFIXES):
        return parse_account
    if change.field:
        return parse_unknown
    # A change without a field is recognised by the keys of its value.
    known = {"messages", "statuses"} & as_object(change.value).keys()
    return parse_messages if known or not isinstance(change.value, dict) else parse_unknown
