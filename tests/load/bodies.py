"""Webhook bodies as Meta sends them: signed, realistic in size, unique in every id, the same for the same seed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PHONE_NUMBER_ID = "700100200300400"
WABA_ID = "900100200300400"
WORDS = "hola necesito ayuda con mi pedido de ayer gracias por la respuesta cuando llega el envío a casa €12 👍".split()


@dataclass(frozen=True, slots=True)
class Webhook:
    """One POST body with its signature, and what it holds: wamids of messages, (wamid, status) of statuses."""

    body: bytes
    signature: str
    messages: tuple[str, ...] = ()
    statuses: tuple[tuple[str, str], ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The headers Meta sends with it."""
        return {"Content-Type": "application/json", "X-Hub-Signature-256": self.signature}


def sign(body: bytes, secret: str) -> str:
    """Return the value of `X-Hub-Signature-256` for these bytes (Meta: webhooks/create-webhook-endpoint)."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def dump(payload: Any) -> bytes:
    """JSON as Meta writes it: no spaces, everything outside ASCII escaped."""
    return json.dumps(payload, separators=(",", ":")).encode()


class Maker:
    """Makes webhooks. Equal seeds and arguments give equal bytes; different seeds never share an id."""

    def __init__(self, secret: str, seed: int, *, timestamp: int = 1_795_500_000, contacts: int = 500) -> None:
        self.secret = secret
        self.random = random.Random(seed)
        self.seed = seed
        self.timestamp = timestamp
        self.contacts = contacts
        self.made = 0

    def wamid(self) -> str:
        """A new message id, of the length and alphabet of Meta's."""
        self.made += 1
        plain = f"{self.seed:08x}{self.made:08x}".encode() + self.random.randbytes(16)
        return "wamid.HBgN" + base64.b64encode(plain).decode()

    def person(self) -> tuple[str, str, str]:
        """Phone, business-scoped user id and name of one of a fixed crowd."""
        number = self.random.randrange(self.contacts)
        return f"34600{number:06d}", f"ES.44110022003{number:06d}", f"Ana {number}"

    def text(self, wamid: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """A text message with the contact that goes beside it."""
        phone, user_id, name = self.person()
        body = " ".join(self.random.choices(WORDS, k=self.random.randint(20, 90)))
        parent = f"ES.ENT.{user_id[3:]}"
        message = {"from": phone, "from_user_id": user_id, "from_parent_user_id": parent, "id": wamid or self.wamid(),
                   "timestamp": str(self.timestamp), "type": "text", "text": {"body": body}}  # fmt: skip
        profile = {"name": name, "username": f"u.{phone}"}
        return message, {"profile": profile, "wa_id": phone, "user_id": user_id, "parent_user_id": parent}

    def status(self, wamid: str | None = None, status: str = "sent") -> dict[str, Any]:
        """A report on a message that we never sent: kept and counted like any other."""
        phone, user_id, _ = self.person()
        return {"id": wamid or self.wamid(), "status": status, "timestamp": str(self.timestamp),
                "recipient_id": phone, "recipient_user_id": user_id,
                "recipient_parent_user_id": f"ES.ENT.{user_id[3:]}", "biz_opaque_callback_data": f"order-{self.made}",
                "conversation": {"id": self.random.randbytes(16).hex(), "expiration_timestamp": "1795586400",
                                 "origin": {"type": "service"}},
                "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular",
                            "category": "service"}}  # fmt: skip

    def value(self, phone_number_id: str = PHONE_NUMBER_ID, **arrays: list[dict[str, Any]]) -> dict[str, Any]:
        """One change of one number, holding these arrays."""
        metadata = {"display_phone_number": "15550100100", "phone_number_id": phone_number_id}
        return {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **arrays}}

    def webhook(self, changes: list[dict[str, Any]]) -> Webhook:
        """Sign these changes as one notification."""
        body = dump({"object": "whatsapp_business_account", "entry": [{"id": WABA_ID, "changes": changes}]})
        return self.signed(body, *_ids_in(changes))

    def signed(
        self, body: bytes, messages: tuple[str, ...] = (), statuses: tuple[tuple[str, str], ...] = ()
    ) -> Webhook:
        """Sign any bytes."""
        return Webhook(body, sign(body, self.secret), messages, statuses)

    def one_text(self) -> Webhook:
        """A notification of one text message."""
        message, contact = self.text()
        return self.webhook([self.value(contacts=[contact], messages=[message])])

    def one_status(self) -> Webhook:
        """A notification of one status, with the contact that Meta puts beside it."""
        status = self.status()
        phone = status["recipient_id"]
        contact = {"profile": {"name": f"Ana {phone}", "username": f"u.{phone}"}, "wa_id": phone,
                   "user_id": status["recipient_user_id"]}  # fmt: skip
        return self.webhook([self.value(contacts=[contact], statuses=[status])])

    def mixed(self, count: int) -> Iterator[Webhook]:
        """`count` notifications of one item: three statuses to one message, as an 80-a-second number gets them."""
        for number in range(count):
            yield self.one_text() if number % 4 == 0 else self.one_status()


def _ids_in(changes: list[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    messages = tuple(m["id"] for change in changes for m in change["value"].get("messages", ()))
    statuses = tuple((s["id"], s["status"]) for change in changes for s in change["value"].get("statuses", ()))
    return messages, statuses
