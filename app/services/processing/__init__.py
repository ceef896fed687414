"""Turn stored webhooks into messages, statuses, contacts and events, each item exactly once.

The way of the data: `claim` takes due jobs; `processor` loads their notifications, which `work` parses into items and
cuts into batches; `lookups` reads what the database holds of a batch; `planning` gives each item to the function for
its fact (`messages`, `statuses`, `account_changes`, `consent`), which adds rows to a `change_set` through the
`change_set_builder`; `write` writes that change set in one short transaction.
"""

from app.services.processing.change_set import ProcessingOptions
from app.services.processing.claim import claim_in_order
from app.services.processing.processor import LEASE, ProcessNotifications

__all__ = ["LEASE", "ProcessNotifications", "ProcessingOptions", "claim_in_order"]
