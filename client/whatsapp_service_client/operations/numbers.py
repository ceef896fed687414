"""Numbers. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import UNSET, Unset, path_of
from whatsapp_service_client.types import CheckAnswer, DoneAnswer, NumberAnswer


class Numbers(Operations):
    """Numbers."""

    def list_numbers(self) -> Pages[NumberAnswer]:
        """List numbers, by id; those of the key, if it is bound to some."""
        path = "/api/numbers"
        return self._pages(path, {})

    def add_number(
        self,
        *,
        phone_number_id: str,
        display_phone_number: str | None | Unset = UNSET,
        waba_id: str | None | Unset = UNSET,
        app_id: str | None | Unset = UNSET,
        access_token: str | None | Unset = UNSET,
        app_secrets: list[str] | None | Unset = UNSET,
        rate: float | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> NumberAnswer:
        """Add a number. Once this is answered, it counts in every process.

        - `waba_id`: Its business account's id.
        - `app_id`: Its Meta app's id, if not the settings' own.
        - `access_token`: Its own; else that of the settings counts.
        - `app_secrets`: Its app's, several while they are rotated; else those of the settings count.
        - `rate`: Messages a second that Meta allows it; else `MESSAGES_PER_SECOND`.
        """
        path = "/api/numbers"
        body = {
            "display_phone_number": display_phone_number,
            "waba_id": waba_id,
            "app_id": app_id,
            "access_token": access_token,
            "app_secrets": app_secrets,
            "rate": rate,
            "phone_number_id": phone_number_id,
        }
        return cast(NumberAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def get_number(self, phone_number_id: str) -> NumberAnswer:
        """Show one number, and how its queue moves."""
        path = path_of("/api/numbers/{phone_number_id}", phone_number_id=phone_number_id)
        return cast(NumberAnswer, self.transport.json("GET", path))

    def change_number(
        self,
        phone_number_id: str,
        *,
        display_phone_number: str | None | Unset = UNSET,
        waba_id: str | None | Unset = UNSET,
        app_id: str | None | Unset = UNSET,
        access_token: str | None | Unset = UNSET,
        app_secrets: list[str] | None | Unset = UNSET,
        rate: float | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> NumberAnswer:
        """Change a number that was added; what is not named stays.

        - `waba_id`: Its business account's id.
        - `app_id`: Its Meta app's id, if not the settings' own.
        - `access_token`: Its own; else that of the settings counts.
        - `app_secrets`: Its app's, several while they are rotated; else those of the settings count.
        - `rate`: Messages a second that Meta allows it; else `MESSAGES_PER_SECOND`.
        """
        path = path_of("/api/numbers/{phone_number_id}", phone_number_id=phone_number_id)
        body = {
            "display_phone_number": display_phone_number,
            "waba_id": waba_id,
            "app_id": app_id,
            "access_token": access_token,
            "app_secrets": app_secrets,
            "rate": rate,
        }
        return cast(NumberAnswer, self.transport.json("PATCH", path, body=body, idempotency_key=idempotency_key))

    def remove_number(self, phone_number_id: str, *, idempotency_key: str | None = None) -> DoneAnswer:
        """Forget a number that was added. What it sent and received stays."""
        path = path_of("/api/numbers/{phone_number_id}", phone_number_id=phone_number_id)
        return cast(DoneAnswer, self.transport.json("DELETE", path, idempotency_key=idempotency_key))

    def check_number(self, phone_number_id: str, *, idempotency_key: str | None = None) -> CheckAnswer:
        """Ask Meta how a number is: its name, quality, throughput and status, its token, and its webhooks."""
        path = path_of("/api/numbers/{phone_number_id}/check", phone_number_id=phone_number_id)
        return cast(CheckAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))
