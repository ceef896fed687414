"""Our own ids."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    """Return a new UUIDv7 as 36 characters of text.

    Later ids sort after earlier ones (to the millisecond between processes), so a primary key is also an order of
    arrival and new rows land at the end of its index.
    """
    return str(uuid_utils.uuid7())
