"""Webhooks from Meta: receive and store them, list them, and process stored ones again.

`receive` verifies the signature and commits the raw body with a job before Meta gets its 200; `bad_signatures` counts
those that it refuses. `read` serves the API, `replay` makes stored webhooks due again, and `explain_signature` says why
a captured request does not verify.
"""

from app.services.webhooks.explain_signature import explain
from app.services.webhooks.read import find_notification, list_notifications
from app.services.webhooks.receive import ReceiveNotification
from app.services.webhooks.replay import replay_notification, replay_notifications

__all__ = [
    "ReceiveNotification",
    "explain",
    "find_notification",
    "list_notifications",
    "replay_notification",
    "replay_notifications",
]
