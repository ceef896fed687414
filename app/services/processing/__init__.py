"""From kept webhooks to messages, statuses, contacts and events.

`readings` turns bytes into items; `planning` turns items into rows without touching the database, each kind of fact in
a module of its own (`messages`, `statuses`, `others`, and the `people` in all of them); `writing` writes the rows in
short transactions; `processor` leads everything through.
"""

from app.services.processing.processor import ProcessNotifications

__all__ = ["ProcessNotifications"]
