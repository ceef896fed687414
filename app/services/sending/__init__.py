"""Send messages: synchronously, from the queue, and in batches.

A request is checked and written by `record` (its contact by `recipients`). A synchronous send calls Graph in
`send_message`. A queued send waits in the table `queued_sends`; `queue` dequeues it at a slot within Meta's limits
(`dequeue`, `slots`) and records its outcome (`record_results`), which `outcomes` classifies. `probe` asks Meta about
stopped numbers, `sweep` resolves what nobody finishes, `holds`, `actions`, `bulk_actions`, `batches` serve people.
"""

from app.services.sending.actions import CANCELLABLE, MARKABLE, RETRIABLE, SendActions
from app.services.sending.add_batch import BatchItem, ItemResult
from app.services.sending.batches import Batches, BatchView
from app.services.sending.bulk_actions import BulkActions, BulkResult
from app.services.sending.database_use import DatabaseUse
from app.services.sending.dequeue import DueSend
from app.services.sending.holds import HoldSends
from app.services.sending.probe import ProbeNumbers
from app.services.sending.queue import SendQueue
from app.services.sending.record_results import SendOutcome
from app.services.sending.send_message import SendMessage, Sent
from app.services.sending.sweep import SweepSends
from app.services.sending.template_categories import TemplateCategories

__all__ = [
    "CANCELLABLE", "MARKABLE", "RETRIABLE",
    "BatchItem", "BatchView", "Batches", "BulkActions", "BulkResult", "DatabaseUse", "DueSend",
    "HoldSends", "ItemResult", "ProbeNumbers", "SendActions", "SendMessage", "SendOutcome", "SendQueue", "Sent",
    "SweepSends", "TemplateCategories",
]  # fmt: skip
