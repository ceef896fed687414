"""Which app hears what, and where: app subscriptions, account subscriptions and callback overrides.

Source: Meta: webhooks/override. A number's override goes before its account's, which goes before the app's own URL;
fields about templates and accounts always go to the app's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.settings import BusinessNumber, MetaApp, SimulatorSettings

_OVERRIDABLE = frozenset(
    "messages message_echoes calls consumer_profile messaging_handovers group_lifecycle_update "
    "group_participants_update group_settings_update group_status_update smb_message_echoes smb_app_state_sync "
    "history account_settings_update standby".split()
)


@dataclass
class AppSubscription:
    """What one app has asked for. No `fields` means all of them."""

    app: MetaApp
    callback_url: str
    verify_token: str
    fields: frozenset[str] = frozenset()
    accounts: dict[str, str] = field(default_factory=dict)
    """waba_id → its override, or an empty string."""
    numbers: dict[str, str] = field(default_factory=dict)
    """phone_number_id → its override."""

    def url_for(self, waba_id: str, phone_number_id: str, change_field: str) -> str | None:
        """Where a change goes; `None` when this app does not hear of it."""
        if waba_id not in self.accounts or (self.fields and change_field not in self.fields):
            return None
        if change_field not in _OVERRIDABLE:
            return self.callback_url
        return self.numbers.get(phone_number_id) or self.accounts[waba_id] or self.callback_url


class Subscriptions:
    """Every app's subscription, by app id."""

    def __init__(self, settings: SimulatorSettings) -> None:
        every_account = {number.waba_id: "" for number in settings.numbers}
        self._apps = {
            app.app_id: AppSubscription(
                app, app.webhook_url, app.verify_token, accounts=dict.fromkeys(app.waba_ids, "") or dict(every_account)
            )
            for app in settings.apps
        }

    def of(self, app: MetaApp) -> AppSubscription:
        """An app's subscription."""
        return self._apps[app.app_id]

    def get(self, app_id: str) -> AppSubscription | None:
        """An app's subscription by its id."""
        return self._apps.get(app_id)

    def subscribed_to(self, waba_id: str) -> list[AppSubscription]:
        """The apps that hear of an account."""
        return [one for one in self._apps.values() if waba_id in one.accounts]

    def routes(self, waba_id: str, number: BusinessNumber | None, change_field: str) -> Iterator[tuple[MetaApp, str]]:
        """Each app that hears of a change, with the URL it hears it at."""
        phone_number_id = number.phone_number_id if number else ""
        for one in self._apps.values():
            if url := one.url_for(waba_id, phone_number_id, change_field):
                yield one.app, url
