"""A device with notifications, and a push service: it keeps what is posted, and devices read what is theirs."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Mapping
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.subscribers.client import EndpointResponse


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Device:
    """A browser's keys, and the subscription that it gives to pages."""

    def __init__(self, name: str = "ana") -> None:
        self.endpoint = f"https://push.example.com/{name}"
        self._key, self._auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)

    @property
    def subscription(self) -> dict[str, Any]:
        """What `PushSubscription.toJSON()` returns."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": base64url(point), "auth": base64url(self._auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> Any:
        """Decrypt a notification as the browser does."""
        return json.loads(
            http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        )


class PushService:
    """Answers every post with `status`; None is no answer."""

    def __init__(self) -> None:
        self.status: int | None = 201
        self.posted: list[tuple[str, Mapping[str, str], bytes]] = []
        self._mutex = threading.Lock()

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        with self._mutex:
            self.posted.append((url, headers, body))
        return EndpointResponse(self.status, b"", None if self.status else "no connection", 0.0)

    def told(self, device: Device) -> list[Any]:
        """What this device was told, in order."""
        return [device.read(body) for url, _, body in self.posted if url == device.endpoint]
