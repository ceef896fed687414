"""Who reads which field of a webhook subscription. A new one is an entry here, and a case among the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.domain.notifications import Fact, Unreadable
from app.schemas.change import Change
from app.schemas.changes.account import read_account, read_handover, read_unknown
from app.schemas.changes.calls import read_calls
from app.schemas.changes.echoes import read_echoes
from app.schemas.changes.groups import read_groups
from app.schemas.changes.history import read_history
from app.schemas.changes.messages import read_messages
from app.schemas.changes.people import read_preferences, read_state_sync
from app.schemas.changes.standby import read_standby
from app.schemas.lenient import as_object

FieldReader = Callable[[Change], Iterator[Fact]]

FIELDS: dict[str, FieldReader] = {
    "messages": read_messages,
    "message_echoes": read_echoes,
    "smb_message_echoes": read_echoes,
    "history": read_history,
    "smb_app_state_sync": read_state_sync,
    "standby": read_standby,
    "messaging_handovers": read_handover,
    "calls": read_calls,
    "group_lifecycle_update": read_groups,
    "group_participants_update": read_groups,
    "group_settings_update": read_groups,
    "group_status_update": read_groups,
    "user_preferences": read_preferences,
}
"""Fields about conversations (Meta: webhooks/overview). Their values are objects."""

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
"""Fields about accounts. Meta adds to these families several times a year."""


def read_change(change: Change) -> Iterator[Fact]:
    """Every fact of a change, at least one: a change that says nothing we know of is an unknown one."""
    reader = _reader_of(change)
    if not isinstance(change.value, dict) and reader not in (read_account, read_unknown):
        yield Unreadable("The change is not an object.", change.value)
        return
    found = False
    for fact in reader(change):
        found = True
        yield fact
    if not found:
        yield from read_unknown(change)


def _reader_of(change: Change) -> FieldReader:
    if change.field in FIELDS:
        return FIELDS[change.field]
    if change.field in ACCOUNT_FIELDS or change.field.startswith(ACCOUNT_PREFIXES):
        return read_account
    if change.field:
        return read_unknown
    # Without a field, what is in the value has to say what it is.
    known = {"messages", "statuses"} & as_object(change.value).keys()
    return read_messages if known or not isinstance(change.value, dict) else read_unknown
