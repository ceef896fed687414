"""The fields about persons: changes of the phone's address book, and preferences about marketing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.notifications import ContactFact, Fact, Json, Person, PreferenceFact
from app.schemas.base import MetaSchema
from app.schemas.change import CannotRead, Change, each
from app.schemas.changes.errors import parse_errors
from app.schemas.lenient import Moment, Text, as_list, as_moment, as_object
from app.schemas.people import Contacts, parse_person

_ACTIONS = {"add": "synced", "remove": "removed"}


class AddressBookEntry(MetaSchema):
    """The `contact` of an element of `state_sync[]`. Names are absent if the entry was removed."""

    phone_number = Text()
    user_id = Text()
    username = Text()
    full_name = Text()
    first_name = Text()


class Preference(MetaSchema):
    """Meta: webhooks/reference/user_preferences. Its timestamp is a number."""

    wa_id = Text()
    user_id = Text()
    parent_user_id = Text()
    category = Text()
    value = Text()
    detail = Text()
    timestamp = Moment()


_ENTRY = AddressBookEntry()
_PREFERENCE = Preference()


def parse_state_sync(change: Change) -> Iterator[Fact]:
    """Read the owner's changes of the phone's address book (Meta: webhooks/reference/smb_app_state_sync)."""
    yield from each(as_list(change.value.get("state_sync")), lambda entry: _parse_entry(entry, change))
    yield from parse_errors(change)


def parse_preferences(change: Change) -> Iterator[Fact]:
    """Read that persons stopped or resumed marketing: elements of `user_preferences`, or a value that is an element."""
    preferences = as_list(change.value.get("user_preferences"))
    if not preferences and "category" in change.value:
        preferences = [change.value]
    contacts = Contacts(change.value.get("contacts"), one_person=len(preferences) == 1)
    yield from each(preferences, lambda value: _parse_preference(value, change, contacts))
    yield from parse_errors(change)


def _parse_entry(value: Any, change: Change) -> Fact:
    if not isinstance(value, dict):
        raise CannotRead("The address book entry is not an object.")
    if value.get("type", "contact") != "contact":
        return change.other("account.smb_app_state_sync", change.cut("state_sync", value))
    entry = _ENTRY.read(value.get("contact"))
    named = parse_person(entry["phone_number"], entry["user_id"])
    if not named.is_known:
        raise CannotRead("The address book entry names no person.")
    action = str(value.get("action"))
    return ContactFact(
        person=Person(
            named.wa_id,
            named.user_id,
            username=entry["username"],
            given_name=entry["full_name"] or entry["first_name"],
        ),
        reason=_ACTIONS.get(action, action),
        timestamp=as_moment(as_object(value.get("metadata")).get("timestamp")) or change.now,
        value=value,
        key=change.key(value),
    )


def _parse_preference(value: Any, change: Change, contacts: Contacts) -> PreferenceFact:
    if not isinstance(value, dict):
        raise CannotRead("The preference is not an object.")
    preference: Json = _PREFERENCE.read(value)
    person = parse_person(preference["wa_id"], preference["user_id"], preference["parent_user_id"])
    person = contacts.complete(person)
    if not person.is_known or not preference["value"]:
        raise CannotRead("The preference names no person, or no wish.")
    return PreferenceFact(
        person=person,
        category=preference["category"] or "marketing_messages",
        value=preference["value"],
        timestamp=preference["timestamp"] or change.now,
        detail=preference["detail"],
        key=change.key(value),
    )
