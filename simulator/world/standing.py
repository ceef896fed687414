"""How Meta sees a business: its tokens, numbers and accounts. All is well until a test or the control API says else.

Source of the words: Meta's pages access-tokens, business-phone-numbers and health-status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")


@dataclass(frozen=True)
class TokenStanding:
    """What an access token is worth. `expires_at` is in Unix seconds, 0 for never."""

    type: str = "SYSTEM_USER"
    is_valid: bool = True
    expires_at: int = 0
    scopes: tuple[str, ...] = SCOPES
    names_accounts: bool = True
    """Whether `granular_scopes` name the accounts. For a token of all accounts Meta names none."""
    target_ids: tuple[str, ...] | None = None
    """The accounts that it may use; None for all of the app's."""


@dataclass(frozen=True)
class AccountStanding:
    """What holds an account back."""

    lacks_payment: bool = False
    is_restricted: bool = False
    sends_webhooks: bool = True
    """False as for an app in development mode, whose webhooks do not come."""


@dataclass
class Standing:
    """What differs from a business in good order, by id. Numbers differ by fields of Graph's, and by their PIN."""

    tokens: dict[str, TokenStanding] = field(default_factory=dict)
    """By app id."""
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, AccountStanding] = field(default_factory=dict)

    def token(self, app_id: str) -> TokenStanding:
        """Return what the token of an app is worth."""
        return self.tokens.get(app_id, TokenStanding())

    def account(self, waba_id: str) -> AccountStanding:
        """Return what holds an account back."""
        return self.accounts.get(waba_id, AccountStanding())

    def change_token(self, app_id: str, **changes: Any) -> None:
        """Change what the token of an app is worth. Raises TypeError for what no token has."""
        self.tokens[app_id] = replace(self.token(app_id), **{name: _frozen(value) for name, value in changes.items()})

    def change_account(self, waba_id: str, **changes: bool) -> None:
        """Change what holds an account back. Raises TypeError for what no account has."""
        self.accounts[waba_id] = replace(self.account(waba_id), **changes)

    def change_number(self, phone_number_id: str, fields: Mapping[str, Any]) -> None:
        """Change fields of a number as Graph shows them; `pin` is what registering it needs from now on."""
        given = dict(fields)
        if "pin" in given:
            self.pins[phone_number_id] = str(given.pop("pin"))
        self.numbers.setdefault(phone_number_id, {}).update(given)

    def is_registered(self, phone_number_id: str) -> bool:
        """Return whether a number may send: it is registered with the Cloud API."""
        return bool(self.numbers.get(phone_number_id, {}).get("platform_type", "CLOUD_API") == "CLOUD_API")

    def health(self, waba_id: str) -> dict[str, Any]:
        """Return `health_status` as Graph shows it for a number and its account."""
        account = self.account(waba_id)
        errors = []
        if account.lacks_payment:
            errors.append({
                "error_code": 141006,
                "error_description": "There is an error with the payment method.",
                "possible_solution": "Add a payment method to the account.",
            })  # fmt: skip
        if account.is_restricted:
            errors.append({
                "error_code": 141010,
                "error_description": "The account is restricted.",
                "possible_solution": "Appeal in WhatsApp Manager.",
            })  # fmt: skip
        can = "BLOCKED" if errors else "AVAILABLE"
        entity: dict[str, Any] = {"entity_type": "WABA", "id": waba_id, "can_send_message": can}
        return {"can_send_message": can, "entities": [entity | ({"errors": errors} if errors else {})]}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
