"""Webhooks of every kind that comes by the thousand: what customers and the phone write, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.load.bodies import Maker, Webhook

Content = dict[str, Any]

ECHOES = "smb_message_echoes"
OURS = "15550100100"


class VariedMaker(Maker):
    """Makes mixed notifications: most from a fixed crowd, some from people nobody knows yet."""

    def __init__(self, secret: str, seed: int, **options: int) -> None:
        super().__init__(secret, seed, **options)
        self._ours: list[str] = []
        self._due: list[tuple[str, str]] = []
        self._strangers = 0

    def person(self) -> tuple[str, str, str]:
        """One of the crowd; every tenth time somebody new."""
        if self.random.random() > 0.1:
            return super().person()
        self._strangers += 1
        number = f"{self.seed % 1_000:03d}{self._strangers:06d}"
        return f"447{number}", f"GB.5511002{number}", f"Bo {number}"

    def varied(self, count: int) -> Iterator[Webhook]:
        """`count` notifications of one item: of ten, five messages, one echo of the phone's, and four statuses."""
        makers = (
            self._echo, self.one_text, self._media, self._answer, self._button, self._reaction_or_error,
            self._status_of_ours, self._status_of_ours, self._status_of_ours, self.one_status,
        )  # fmt: skip
        for number in range(count):
            yield makers[number % len(makers)]()

    def _message(self, kind: str, content: Content, **more: Any) -> Webhook:
        message, contact = self.text()
        del message["text"]
        return self.webhook([self.value(contacts=[contact], messages=[message | {"type": kind, kind: content} | more])])

    def _media(self) -> Webhook:
        kind, mime = self.random.choice([("image", "image/jpeg"), ("audio", "audio/ogg"), ("document", "text/pdf")])
        file = {"id": str(self.random.randrange(10**15)), "mime_type": mime, "sha256": "q83v" * 11, "caption": "look"}
        return self._message(kind, file)

    def _answer(self) -> Webhook:
        """A row of a list, or a button below a message of ours, which it quotes."""
        kind = self.random.choice(["button_reply", "list_reply"])
        reply = {"type": kind, kind: {"id": "size-m", "title": "Medium"}}
        return self._message("interactive", reply, context={"from": OURS, "id": self._one_of_ours()})

    def _button(self) -> Webhook:
        context = {"from": OURS, "id": self._one_of_ours()}
        return self._message("button", {"payload": "yes", "text": "Yes"}, context=context)

    def _reaction_or_error(self) -> Webhook:
        if self.random.random() < 0.7:
            return self._message("reaction", {"message_id": self._one_of_ours(), "emoji": "👍"})
        error = {"code": 131051, "title": "Unsupported", "error_data": {"details": "not supported"}}
        return self._message("unsupported", {"type": "poll_creation"}, errors=[error])

    def _echo(self) -> Webhook:
        """What somebody wrote on the business's phone: from then on a message of ours."""
        phone, user_id, _ = self.person()
        wamid = self.wamid()
        self._ours.append(wamid)
        kinds = ("sent", "delivered", "read") if self.random.random() < 0.8 else ("sent", "failed")
        self._due += [(wamid, kind) for kind in kinds]
        message = {"from": OURS, "to": phone, "to_user_id": user_id, "id": wamid, "timestamp": str(self.timestamp),
                   "type": "text", "text": {"body": "We are on our way."}}  # fmt: skip
        return self.webhook([self.value(message_echoes=[message]) | {"field": ECHOES}])

    def _one_of_ours(self) -> str:
        return self.random.choice(self._ours[-200:])

    def _status_of_ours(self) -> Webhook:
        """What Meta reports of a message of ours: in no certain order, and with a price unless it failed."""
        if not self._due:
            return self.one_status()
        wamid, kind = self._due.pop(self.random.randrange(len(self._due)))
        status = self.status(wamid, kind)
        if kind == "failed":
            del status["pricing"]
            status["errors"] = [{"code": 131026, "title": "Undeliverable", "error_data": {"details": "not reachable"}}]
        return self.webhook([self.value(statuses=[status])])
