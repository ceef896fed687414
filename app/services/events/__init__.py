"""Events: the record of everything that happened, in commit order. Endpoints and the API get their data from it.

Writers build a row (`rows`) and append it (`log`), which also enqueues the deliveries to matching endpoints. The API
reads events by cursor (`read`), and long polls wait for the next one (`wait`).
"""

from app.services.events.log import EventLog, append_events, is_for
from app.services.events.read import Filter, Place, find_subjects, list_after, list_newest, newest_place
from app.services.events.rows import EventRow, event_row
from app.services.events.wait import EventWaiters

__all__ = [
    "EventLog",
    "EventRow",
    "EventWaiters",
    "Filter",
    "Place",
    "append_events",
    "event_row",
    "find_subjects",
    "is_for",
    "list_after",
    "list_newest",
    "newest_place",
]
