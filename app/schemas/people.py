"""Who wrote, or was written to: the ids on the item itself, completed from the `contacts[]` beside it."""

from __future__ import annotations

from typing import Any

from app.domain.addresses import bare_number, is_user_id
from app.domain.notifications import Person
from app.schemas.base import MetaSchema
from app.schemas.lenient import Text, as_list, as_object, as_text


class ContactSchema(MetaSchema):
    """An element of `contacts[]` (Meta: webhooks/reference/messages). Any of it may be missing, the phone included."""

    wa_id = Text()
    user_id = Text()
    parent_user_id = Text()


_CONTACT = ContactSchema()


def parse_person(phone: str | None, user_id: str | None, parent_user_id: str | None = None) -> Person:
    """A person by the ids an item carries. A user id where the phone belongs is taken as what it is."""
    if phone and not phone.isdigit():
        phone = bare_number(phone)
        if is_user_id(phone):
            phone, user_id = None, user_id or phone
    return Person(phone or None, user_id or None, parent_user_id or None)


class Contacts:
    """The `contacts[]` of one change. They describe people; never take them for a sign that somebody wrote."""

    def __init__(self, value: Any, *, one_person: bool) -> None:
        """`one_person`: every item beside these contacts is about the same person."""
        people = [_parse_contact(contact) for contact in as_list(value) if isinstance(contact, dict)]
        self._only = people[0] if one_person and len(people) == 1 else None
        self._known = {}
        for person in people:
            for name in (person.wa_id, person.user_id):
                if name:
                    self._known[name] = person

    def complete(self, person: Person) -> Person:
        """Add what the matching contact says; the item's own word comes first."""
        found = self._only or self._known.get(person.user_id or "") or self._known.get(person.wa_id or "")
        if found is None:
            return person
        return Person(
            wa_id=person.wa_id or found.wa_id,
            user_id=person.user_id or found.user_id,
            parent_user_id=person.parent_user_id or found.parent_user_id,
            username=found.username,
            name=found.name,
        )


def _parse_contact(value: dict[str, Any]) -> Person:
    contact = _CONTACT.load(value)
    person = parse_person(contact["wa_id"], contact["user_id"], contact["parent_user_id"])
    profile = as_object(contact.get("profile"))
    return Person(
        wa_id=person.wa_id,
        user_id=person.user_id,
        parent_user_id=person.parent_user_id,
        username=as_text(profile.get("username")),
        name=as_text(profile.get("name")),
    )
