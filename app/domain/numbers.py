"""Our business numbers, and which Meta app is authorised for which of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

DEFAULT_APP = "default"
"""The app of the settings' own secrets, when `WHATSAPP_APP_ID` does not name it."""

OWN_REALM = ""
"""The realm of the settings' own app, whatever its name is at the moment."""


def realm_of(app: str, own_app: str) -> str:
    """Return the realm of an app. Contacts belong to a realm, because an app is authorised for its own numbers only."""
    return OWN_REALM if app in (own_app, DEFAULT_APP) else app


@dataclass(frozen=True, slots=True, repr=False)
class BusinessNumber:
    """One of our business numbers; `rate` is in messages per second. It has no useful `repr`: it holds the token.

    `realm` decides which contacts belong to the number: see `Directory.realm`. `fetches_links`: files that its sends
    name by link are fetched by the gateway and uploaded, and not fetched by Meta.
    """

    phone_number_id: str
    app: str
    access_token: str
    waba_id: str | None = None
    display_phone_number: str | None = None
    rate: float = 80.0
    realm: str = OWN_REALM
    fetches_links: bool = False

    @property
    def token_hash(self) -> str:
        """The SHA-256 of the access token as 64 hex digits: it identifies the token and does not reveal it."""
        return hashlib.sha256(self.access_token.encode()).hexdigest()


@dataclass(frozen=True, slots=True, repr=False)
class Directory:
    """All numbers and app secrets at one moment. `apps[i]` is the app that `secrets[i]` belongs to, and `own_app` that
    of the settings. `unreadable` are the numbers whose token or secrets no key of ours decrypts."""

    numbers: dict[str, BusinessNumber]
    secrets: tuple[str, ...]
    apps: tuple[str, ...]
    own_app: str = DEFAULT_APP
    unreadable: frozenset[str] = frozenset()

    def realm(self, app: str) -> str:
        """Return the realm whose contacts an app's webhooks are about."""
        return realm_of(app, self.own_app)

    def accounts_of(self, numbers: Collection[str] | None) -> tuple[str, ...]:
        """Return the business accounts (WABAs) of these numbers; empty for None, which means all numbers."""
        ours = {number.waba_id for key, number in self.numbers.items() if numbers is not None and key in numbers}
        return tuple(sorted(account for account in ours if account))

    def find(self, phone_number_id: str | None) -> BusinessNumber | None:
        """Return the number with this phone number id, or None if it is not ours."""
        return self.numbers.get(phone_number_id or "")

    def is_authorised_for(self, app: str, phone_number_id: str | None, waba_id: str | None) -> bool:
        """Whether a webhook signed by `app` may concern this number, or this business account.

        For a number that is not configured any valid signature suffices: the caller stores the item and flags it.
        """
        number = self.find(phone_number_id)
        if number is not None:
            return number.app == app
        if phone_number_id is not None or waba_id is None:
            return True
        owners = {number.app for number in self.numbers.values() if number.waba_id == waba_id}
        return not owners or app in owners
