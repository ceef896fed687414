"""Keys. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import Literal, cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import UNSET, Unset, path_of
from whatsapp_service_client.types import CurrentKeyAnswer, DoneAnswer, KeyAnswer, NewKeyAnswer


class Keys(Operations):
    """Keys."""

    def list_keys(self) -> Pages[KeyAnswer]:
        """List keys, those that were revoked too; not `API_KEY` of the settings."""
        path = "/api/keys"
        return self._pages(path, {})

    def add_key(
        self,
        *,
        name: str,
        scopes: list[Literal["send", "read", "admin"]],
        numbers: list[str] | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> NewKeyAnswer:
        """Make a key. Its text is not shown again.

        - `numbers`: Phone number ids; null means all numbers.
        """
        path = "/api/keys"
        body = {"name": name, "scopes": scopes, "numbers": numbers}
        return cast(NewKeyAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def revoke_key(self, key_name: str, *, idempotency_key: str | None = None) -> DoneAnswer:
        """Revoke a key. Once this is answered, every process refuses it."""
        path = path_of("/api/keys/{key_name}", key_name=key_name)
        return cast(DoneAnswer, self.transport.json("DELETE", path, idempotency_key=idempotency_key))

    def get_current_key(self) -> CurrentKeyAnswer:
        """Show what the key of this request may do. Any key may ask."""
        path = "/api/keys/current"
        return cast(CurrentKeyAnswer, self.transport.json("GET", path))
