"""Stored messages: list and search them, show what happened to one, and mark inbound ones as read.

`read` answers lists, searches and single messages; `timeline` collects what happened to one message; `mark_read` tells
Meta that a message was read; `search_index` adds messages and contacts to the search index after they were written.
"""

from app.services.messages.mark_read import MarkRead
from app.services.messages.read import Cursor, find_message, is_revoked, list_messages
from app.services.messages.search_index import index_contacts, index_messages
from app.services.messages.timeline import Happening, read_timeline

__all__ = [
    "Cursor",
    "Happening",
    "MarkRead",
    "find_message",
    "index_contacts",
    "index_messages",
    "is_revoked",
    "list_messages",
    "read_timeline",
]
