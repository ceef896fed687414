"""What the panel beside a thread offers: whom it is assigned to, its labels, and quick replies for its composer."""

from __future__ import annotations

from typing import Any

from app.services.conversations import Conversation
from app.web.context import gateway
from app.web.inbox.access import person
from app.web.inbox.listing import Mark
from app.web.inbox.team import people


def panel(conversation: Conversation) -> dict[str, Any]:
    """Return what the template of the panel shows."""
    team = [{"id": key, "name": name} for key, name in sorted(people().items(), key=lambda each: each[1].casefold())]
    on = {each.id for each in conversation.labels}
    return {
        "me": person(),
        "team": team,
        "all_labels": [Mark(each.id, each.name, each.colour, each.id in on) for each in gateway().labels.all()],
        "quick_replies": gateway().quick_replies.all((conversation.phone_number_id,)),
    }
