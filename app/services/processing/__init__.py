"""From kept webhooks to messages, statuses, contacts and events.

`readings` turns bytes into items; `planning` turns items into rows (a `plan`, through a `draft`), each kind of fact in
a module of its own (`messages`, `statuses`, `others`, and the `people` in all of them); `writing` writes them in
short transactions; `processor` leads everything through.
"""

from app.services.processing.processor import ProcessNotifications

__all__ = ["ProcessNotifications"]
