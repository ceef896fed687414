"""People. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import Literal, cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import UNSET, Unset, path_of
from whatsapp_service_client.types import DoneAnswer, PersonAnswer, RevokedAnswer, SignInLinkAnswer


class People(Operations):
    """People."""

    def list_people(self) -> Pages[PersonAnswer]:
        """List people, by name; those without access too."""
        path = "/api/people"
        return self._pages(path, {})

    def add_person(
        self,
        *,
        name: str,
        role: Literal["agent", "admin"],
        numbers: list[str] | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PersonAnswer:
        """Add a person. They sign in by a link, which is made apart.

        - `numbers`: Phone number ids; null means all numbers.
        """
        path = "/api/people"
        body = {"name": name, "role": role, "numbers": numbers}
        return cast(PersonAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def get_person(self, person_id: str) -> PersonAnswer:
        """Show one person."""
        path = path_of("/api/people/{person_id}", person_id=person_id)
        return cast(PersonAnswer, self.transport.json("GET", path))

    def change_person(
        self,
        person_id: str,
        *,
        role: Literal["agent", "admin"] | Unset = UNSET,
        numbers: list[str] | None | Unset = UNSET,
        disabled: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PersonAnswer:
        """Change what a person may do and see, from their next request on; what is not named stays.

        - `numbers`: Phone number ids; null means all numbers.
        - `disabled`: True takes the access away at once: sessions and links end.
        """
        path = path_of("/api/people/{person_id}", person_id=person_id)
        body = {"role": role, "numbers": numbers, "disabled": disabled}
        return cast(PersonAnswer, self.transport.json("PATCH", path, body=body, idempotency_key=idempotency_key))

    def remove_person(self, person_id: str, *, idempotency_key: str | None = None) -> DoneAnswer:
        """Delete a person; their sessions and links end. What they did stays."""
        path = path_of("/api/people/{person_id}", person_id=person_id)
        return cast(DoneAnswer, self.transport.json("DELETE", path, idempotency_key=idempotency_key))

    def add_person_link(self, person_id: str, *, idempotency_key: str | None = None) -> SignInLinkAnswer:
        """Make a link by which the person signs in, once, within an hour. It is not shown again."""
        path = path_of("/api/people/{person_id}/links", person_id=person_id)
        return cast(SignInLinkAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))

    def revoke_person_links(self, person_id: str, *, idempotency_key: str | None = None) -> RevokedAnswer:
        """Take back the person's links that were not used yet."""
        path = path_of("/api/people/{person_id}/links", person_id=person_id)
        return cast(RevokedAnswer, self.transport.json("DELETE", path, idempotency_key=idempotency_key))

    def sign_out_person(self, person_id: str, *, idempotency_key: str | None = None) -> RevokedAnswer:
        """End all sessions of the person, and take their links back; `revoked` counts sessions."""
        path = path_of("/api/people/{person_id}/sign-out", person_id=person_id)
        return cast(RevokedAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))
