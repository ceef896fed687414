"""One person, one contact, whatever Meta calls them and in whatever order it says so."""

from __future__ import annotations

import itertools

import pytest

from app.clock import utc_now
from app.domain.messages import ContactRef
from app.domain.notifications import Person
from app.models import Contact
from app.services.contacts.identity import IdentityResolver, lookup_aliases
from app.store.contacts import Owner

PHONE = Person(wa_id="34600111222", name="Ana")
HIDDEN = Person(user_id="ES.44", username="ana.shop")
BOTH = Person(wa_id="34600111222", user_id="ES.44", name="Ana")


@pytest.mark.parametrize("order", list(itertools.permutations([PHONE, HIDDEN, BOTH])))
def test_names_that_meet_are_one_contact(order: tuple[Person, ...]) -> None:
    resolver = IdentityResolver.of(utc_now(), {})

    met = [resolver.resolve_or_create(person) for person in order]

    assert len({resolver.current(contact.id) for contact in met if contact}) == 1
    assert len(resolver.new) == 1
    assert set(resolver.new_aliases) == {("wa_id", "34600111222"), ("user_id", "ES.44")}
    assert set(resolver.new_aliases.values()) == set(resolver.new)


def test_two_contacts_of_the_database_become_the_older_one() -> None:
    resolver = IdentityResolver.of(
        utc_now(), {("wa_id", "34600111222"): _owner("b"), ("user_id", "ES.44"): _owner("a")}
    )

    contact = resolver.resolve_or_create(BOTH)

    assert contact is not None and contact.id == "a"
    assert resolver.merged == {"b": "a"} and resolver.current("b") == "a"
    assert not resolver.new and not resolver.new_aliases


def test_a_changed_number_keeps_the_contact() -> None:
    resolver = IdentityResolver.of(utc_now(), {("wa_id", "34600111222"): _owner("a")})

    contact = resolver.resolve_or_create(
        Person(wa_id="34600777666", user_id="ES.55"), formerly=Person(wa_id="34600111222")
    )

    assert contact == ContactRef("a", "34600777666", "ES.55")
    assert resolver.new_aliases == {("wa_id", "34600777666"): "a", ("user_id", "ES.55"): "a"}


@pytest.mark.parametrize(
    ("known", "given"),
    [
        ("5491112345678", "541112345678"),
        ("541112345678", "5491112345678"),
        ("525512345678", "5215512345678"),
        ("551187654321", "5511987654321"),
    ],
)
def test_a_number_in_its_other_form_is_the_same_person(known: str, given: str) -> None:
    person = Person(wa_id=given)
    assert ("wa_id", known) in lookup_aliases([person])
    resolver = IdentityResolver.of(utc_now(), {("wa_id", known): _owner("a")})

    contact = resolver.resolve_or_create(person)

    assert contact is not None and contact.id == "a"
    assert resolver.new_aliases == {("wa_id", given): "a"}


def test_nobody_in_particular_has_no_contact() -> None:
    assert IdentityResolver.of(utc_now(), {}).resolve_or_create(Person(name="Ana")) is None


def _owner(contact_id: str) -> Owner:
    return Owner(Contact(id=contact_id))
