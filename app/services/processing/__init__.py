"""From kept webhooks to messages, statuses, contacts and events.

`readings` turns bytes into items, `planning` turns items into rows without touching the database, `writing` writes
them in short transactions, and `processor` leads them through.
"""

from app.services.processing.processor import ProcessNotifications

__all__ = ["ProcessNotifications"]
