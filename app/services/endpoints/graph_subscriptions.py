"""Accept subscriptions to webhooks in the form of Meta's API, and store each as an endpoint in Meta's format.

A subscription is never forwarded to Meta: a Meta app has one callback URL, and that is the URL of this gateway.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from app.domain.endpoints import Format
from app.errors import GraphRefused, Invalid
from app.models import Endpoint
from app.security.endpoint_urls import WrongUrl, check_url
from app.services.endpoints.manage import ManageEndpoints
from app.services.registries import EndpointDirectory
from app.subscribers.client import SubscriberClient

OBJECT = "whatsapp_business_account"
VERIFICATION_FAILED = 2200
"""Meta's error code for a callback URL that does not return the challenge."""

_MADE_FOR = re.compile(r"subscription of app ([0-9]{1,30}): ([a-z0-9_,]*)")


def _override_of(object_id: str) -> str:
    return f"override of {object_id}"


class GraphSubscriptions:
    """Stores one subscription for each Meta app id, and one override for each number and each account: a new callback
    URL replaces the earlier one."""

    def __init__(self, endpoints: ManageEndpoints, directory: EndpointDirectory, client: SubscriberClient) -> None:
        self._endpoints = endpoints
        self._directory = directory
        self._client = client

    def of_app(self, app_id: str) -> list[dict[str, Any]]:
        """Return an app's subscriptions as the Graph API lists them, but without the versions of the fields."""
        return [
            {"object": OBJECT, "callback_url": row.url, "active": not row.paused and row.disabled_at is None,
             "fields": fields}
            for row, fields in self._found(app_id)
        ]  # fmt: skip

    def subscribe(self, app_id: str, url: str, verify_token: str, fields: Sequence[str], secret: str) -> None:
        """Verify a callback URL with a challenge, then deliver to it, signed with `secret`.

        Raises `Invalid` if the URL is not allowed, and `GraphRefused` with Meta's code 2200 if the URL does not return
        the challenge.
        """
        self._shake_hands(url, verify_token, "callback_url")
        described = f"subscription of app {app_id}: {','.join(fields)}"
        self._keep([row for row, _ in self._found(app_id)], {"url": url, "description": described}, secret)

    def override(self, object_id: str, numbers: Sequence[str], url: str, verify_token: str, secret: str) -> None:
        """Verify the callback that an application wants for a number or an account, then deliver to it what is about
        `numbers`, signed with `secret`. There is one for each object; a new one replaces it.

        Raises as `subscribe` does.
        """
        self._shake_hands(url, verify_token, "override_callback_uri")
        values = {"url": url, "description": _override_of(object_id), "numbers": sorted(numbers)}
        self._keep(self._overrides(object_id), values, secret)

    def override_of(self, object_id: str) -> str | None:
        """Return the callback that an application wants for a number or an account; None without one."""
        return next((row.url for row in self._overrides(object_id)), None)

    def remove_override(self, object_id: str) -> bool:
        """Remove the callback of a number or an account. Return whether there was one."""
        found = self._overrides(object_id)
        for row in found:
            self._endpoints.remove(row.id)
        return bool(found)

    def _overrides(self, object_id: str) -> list[Endpoint]:
        wanted = _override_of(object_id)
        return [row for row in self._endpoints.list() if row.description == wanted and row.removed_at is None]

    def _keep(self, earlier: Sequence[Endpoint], values: dict[str, Any], secret: str) -> None:
        """Add an endpoint in Meta's format, or change the one that was made before."""
        if not earlier:
            self._endpoints.add(values | {"format": Format.META, "secret": secret})
            return
        row = earlier[0]
        self._endpoints.change(row.id, values | {"disabled": False})
        known = self._directory.to_domain(row).secrets
        if not known or not hmac.compare_digest(known[0].encode(), secret.encode()):
            self._endpoints.rotate_secret(row.id, secret)

    def unsubscribe(self, app_id: str) -> None:
        """Remove an app's subscription. Does nothing if there is none."""
        for row, _ in self._found(app_id):
            self._endpoints.remove(row.id)

    def _found(self, app_id: str) -> list[tuple[Endpoint, list[str]]]:
        matched = [(row, _MADE_FOR.fullmatch(row.description or "")) for row in self._endpoints.list()]
        return [
            (row, [name for name in match[2].split(",") if name])
            for row, match in matched
            if match and match[1] == app_id and row.removed_at is None
        ]

    def _shake_hands(self, url: str, verify_token: str, field: str) -> None:
        try:
            check_url(url, self._endpoints.allowed_networks)
        except WrongUrl as wrong:
            raise Invalid(fields={field: [str(wrong)]}) from None
        challenge = str(secrets.randbelow(9 * 10**9) + 10**9)
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
        sign = "&" if urlsplit(url).query else "?"
        answer = self._client.get(f"{url}{sign}{urlencode(query)}")
        if answer.is_success and answer.body.strip() == challenge.encode():
            return
        status = f"HTTP status {answer.status}"
        why = answer.error or ("the challenge was not echoed" if answer.is_success else status)
        raise GraphRefused(
            f"Callback verification failed: {why}.", meta={"code": VERIFICATION_FAILED, "http_status": 400}
        )
