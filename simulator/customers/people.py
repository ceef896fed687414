"""The people on WhatsApp: who they are, what they allow, and how they are found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from simulator.settings import CustomerProfile
from simulator.world.identifiers import business_scoped_user_id
from simulator.world.phone_numbers import forms_of


@dataclass
class Customer:
    """One person. `key` never changes; the number, and with it the BSUID, may."""

    key: int
    wa_id: str
    user_id: str
    name: str
    username: str | None = None
    shows_number: bool = True
    on_whatsapp: bool = True
    sends_read_receipts: bool = True
    has_blocked: set[str] = field(default_factory=set)
    """The phone_number_ids that this person does not want to hear from."""
    stopped_marketing: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        """The person as the page and tests read them."""
        return {
            "wa_id": self.wa_id,
            "user_id": self.user_id,
            "name": self.name,
            "username": self.username,
            "shows_number": self.shows_number,
            "on_whatsapp": self.on_whatsapp,
            "sends_read_receipts": self.sends_read_receipts,
        }

    def identity(self, *, phone: str, user: str) -> dict[str, Any]:
        """The two keys a webhook names this person by; the phone is left out, not emptied, when Meta hides it."""
        return {**({phone: self.wa_id} if self.shows_number else {}), user: self.user_id}

    def contact(self, *, with_username: bool = True) -> dict[str, Any]:
        """The `contacts[]` item that stands beside messages and statuses (Meta: business-scoped-user-ids)."""
        profile: dict[str, Any] = {"name": self.name}
        if self.username and with_username:
            profile["username"] = self.username
        return {"profile": profile, **self.identity(phone="wa_id", user="user_id")}


class Directory:
    """Everybody the simulator has heard of. Numbers nobody mentioned before are people too, and are added when met."""

    def __init__(self, random: Random, profiles: tuple[CustomerProfile, ...]) -> None:
        self._random = random
        self._people: list[Customer] = []
        self._by_number: dict[str, Customer] = {}
        self._by_user_id: dict[str, Customer] = {}
        for profile in profiles:
            self.add(profile)

    def __iter__(self) -> Iterator[Customer]:
        return iter(self._people)

    def add(self, profile: CustomerProfile) -> Customer:
        """Add a person under the number exactly as the profile has it."""
        customer = Customer(
            key=len(self._people) + 1,
            wa_id=profile.wa_id,
            user_id=business_scoped_user_id(self._random, profile.wa_id),
            name=profile.name,
            username=profile.username,
            shows_number=profile.shows_number,
            on_whatsapp=profile.on_whatsapp,
            sends_read_receipts=profile.sends_read_receipts,
        )
        self._people.append(customer)
        self._index(customer)
        return customer

    def find(self, digits: str) -> Customer | None:
        """The person known by these digits or another form of them."""
        known = (self._by_number[form] for form in (digits, *forms_of(digits)) if form in self._by_number)
        return next(known, None)

    def find_by_user_id(self, user_id: str) -> Customer | None:
        """The person behind a BSUID."""
        return self._by_user_id.get(user_id)

    def meet(self, digits: str) -> Customer:
        """The person known by these digits, added as somebody new when there is none."""
        return self.find(digits) or self.add(CustomerProfile(wa_id=forms_of(digits)[0], name="Customer " + digits[-4:]))

    def move(self, customer: Customer, digits: str) -> None:
        """Give a person another number; their BSUID is made anew, as Meta does."""
        self._by_number.pop(customer.wa_id, None)
        self._by_user_id.pop(customer.user_id, None)
        customer.wa_id = digits
        customer.user_id = business_scoped_user_id(self._random, digits)
        self._index(customer)

    def _index(self, customer: Customer) -> None:
        self._by_number[customer.wa_id] = customer
        self._by_user_id[customer.user_id] = customer
