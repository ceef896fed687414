"""The audit log: who read, sent, changed, replayed or erased what.

A service records an act in its own transaction (`record_act`, or `AuditLog.record`); the actor is the caller of the
request, or `cli` (`acting_as`). Entries are inserted without a place in the chain, so that writers never wait for one
another; a worker seals them in order (`SealAuditLog`). `verify_chain` finds the first broken entry. Details may be
erased, the chain stays.
"""

from app.actors import acting_as, no_longer_acting
from app.services.audit_log.read import export_entries, list_entries
from app.services.audit_log.record import AuditLog, erase_details, record_act, record_sent_by_hand
from app.services.audit_log.seal import SealAuditLog
from app.services.audit_log.verify import verify_chain, verify_export

__all__ = [
    "AuditLog",
    "SealAuditLog",
    "acting_as",
    "erase_details",
    "export_entries",
    "list_entries",
    "no_longer_acting",
    "record_act",
    "record_sent_by_hand",
    "verify_chain",
    "verify_export",
]
