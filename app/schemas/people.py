"""The person that an item is about: the item's own ids, completed from the `contacts[]` of its change."""

from __future__ import annotations

from typing import Any

from app.domain.addresses import bare_number, is_user_id
from app.domain.notifications import Person
from app.schemas.base import MetaSchema
from app.schemas.lenient import Text, as_list, as_object, as_text


class ContactSchema(MetaSchema):
    """An element of `contacts[]` (Meta: webhooks/reference/messages). Any key may be absent, including the phone."""

    wa_id = Text()
    user_id = Text()
    parent_user_id = Text()


_CONTACT = ContactSchema()


def parse_person(phone: str | None, user_id: str | None, parent_user_id: str | None = None) -> Person:
    """Return a person with these ids. A user id in place of the phone is recognised and becomes the user id."""
    if phone and not phone.isdigit():
        phone = bare_number(phone)
        if is_user_id(phone):
            phone, user_id = None, user_id or phone
    return Person(phone or None, user_id or None, parent_user_id or None)


class Contacts:
    """The `contacts[]` of one change. They only describe persons; a contact does not mean that this person wrote."""

    def __init__(self, value: Any, *, one_person: bool) -> None:
        """`one_person`: all items of the change are about the same person, whom a single contact then describes."""
        people = [_parse_contact(contact) for contact in as_list(value) if isinstance(contact, dict)]
        self._only = people[0] if one_person and len(people) == 1 else None
        self._known = {}
        for person in people:
            for name in (person.wa_id, person.user_id):
                if name:
                    self._known[name] = person

    def complete(self, person: Person) -> Person:
        """Return the person with the values of the matching contact added. The item's own ids take precedence."""
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
    contact = _CONTACT.read(value)
    person = parse_person(contact["wa_id"], contact["user_id"], contact["parent_user_id"])
    profile = as_object(contact.get("profile"))
    return Person(
        wa_id=person.wa_id,
        user_id=person.user_id,
        parent_user_id=person.parent_user_id,
        username=as_text(profile.get("username")),
        name=as_text(profile.get("name")),
    )
