"""The addresses of what can be done with a conversation and with a message of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import url_for

from app.web.inbox.asked import Asked

_ID = re.compile(r"[A-Za-z0-9-]{1,60}")


def file_url(content: dict[str, Any], wanted: str) -> str | None:
    """Return the address of a message's file (`content`) or of its small picture (`thumbnail`); None without one."""
    media_id = content.get("media_id") or content.get("id")
    if not isinstance(media_id, str) or not _ID.fullmatch(media_id):
        return None
    if content.get("state") in ("gone", "refused", "erased") or content.get("link"):
        return None
    if wanted == "thumbnail":
        has = content.get("has_thumbnail") is True
        return url_for("inbox_media.thumbnail", media_id=media_id) if has else None
    return url_for("inbox_media.show", media_id=media_id)


@dataclass(frozen=True, slots=True)
class ConversationUrls:
    """Addresses of a conversation; those of pages keep what the list beside it is asked for."""

    id: str
    asked: Asked

    def of(self, conversation_id: str) -> str:
        """Return the address of a conversation."""
        return url_for("inbox_conversations.show", conversation_id=conversation_id, **self.asked.query())

    @property
    def here(self) -> str:
        return self.of(self.id)

    @property
    def newest(self) -> str:
        return f"{self.of(self.id)}#composer"

    @property
    def with_panel(self) -> str:
        return self._page("show", panel="1")

    @property
    def back(self) -> str:
        return url_for("inbox_conversations.index", **self.asked.query())

    @property
    def panel(self) -> str:
        return self.here

    @property
    def messages(self) -> str:
        return self._page("messages")

    def messages_before(self, message_id: str) -> str:
        return self._page("messages", before=message_id)

    def messages_after(self, message_id: str) -> str:
        return self._page("messages", after=message_id)

    @property
    def templates(self) -> str:
        return self._act("inbox_templates.index")

    @property
    def send(self) -> str:
        return self._act("inbox_answers.send")

    @property
    def files(self) -> str:
        return self._act("inbox_attachments.files")

    @property
    def react(self) -> str:
        return self._act("inbox_answers.react")

    @property
    def seen(self) -> str:
        return self._act("inbox_acts.seen")

    @property
    def typing(self) -> str:
        return self._act("inbox_acts.typing")

    @property
    def presence(self) -> str:
        return self._act("inbox_live.presence")

    @property
    def handover(self) -> str:
        return self._act("inbox_acts.handover")

    @property
    def assign(self) -> str:
        return self._act("inbox_acts.assign")

    @property
    def labels(self) -> str:
        return self._act("inbox_acts.labels")

    @property
    def note(self) -> str:
        return self._act("inbox_acts.note")

    @property
    def close(self) -> str:
        return self._act("inbox_acts.close")

    @property
    def reopen(self) -> str:
        return self._act("inbox_acts.reopen")

    def _page(self, name: str, **more: Any) -> str:
        return url_for(f"inbox_conversations.{name}", conversation_id=self.id, **self.asked.query(), **more)

    def _act(self, endpoint: str) -> str:
        from flask import current_app
        if endpoint not in current_app.view_functions:
            return ""
        return url_for(endpoint, conversation_id=self.id, **self.asked.query())


@dataclass(frozen=True, slots=True)
class MessageLinks:
    """Addresses of what can be done with a message, as the template of a bubble asks for them."""

    conversation: str
    asked: Asked

    def message(self, message_id: str) -> str:
        """Return where a message is shown in its thread."""
        return url_for(
            "inbox_conversations.message", conversation_id=self.conversation, message_id=message_id,
            **self.asked.query(),
        )  # fmt: skip

    def reply(self, message_id: str) -> str:
        """Return the page whose composer answers a message."""
        return self._composer(reply=message_id)

    def react(self, message_id: str) -> str:
        """Return the page that offers reactions to a message."""
        return self._composer(react=message_id)

    def decide(self, message_id: str) -> str:
        """Return where a person decides about a message that did not arrive."""
        return url_for(
            "inbox_answers.decide", conversation_id=self.conversation, message_id=message_id, **self.asked.query()
        )

    def story(self, message_id: str) -> str:
        """Return the page of what happened to a message."""
        return url_for("inbox_story.show", message_id=message_id)

    def _composer(self, **more: Any) -> str:
        page = url_for(
            "inbox_conversations.show", conversation_id=self.conversation, **self.asked.query(), **more
        )
        return f"{page}#composer"
