"""Send messages: synchronously, from the queue, and in batches.

A request is checked and written by `record` (its contact by `recipients`). A synchronous send calls Graph in
`send_message`. A queued send waits in the table `queued_sends`; `queue` dequeues it at a slot within Meta's limits
(`dequeue`, `slots`) and records its outcome (`record_results`), which `outcomes` classifies. `probe` asks Meta about
stopped numbers, `sweep` resolves what nobody finishes, `holds`, `actions`, `bulk_actions`, `batches` serve people.
"""

from app.services.sending.actions import CANCELLABLE, MARKABLE, RETRIABLE, SendActions, requeue
from app.services.sending.add_batch import BatchItem, ItemResult
from app.services.sending.batches import Batches, BatchView
from app.services.sending.bulk_actions import BulkActions, BulkResult
from app.services.sending.chosen_number import choose_number
from app.services.sending.database_use import DatabaseUse
from app.services.sending.dequeue import DueSend
from app.services.sending.holds import HoldSends
from app.services.sending.message_media import MARGIN, MediaPlan, Missing
from app.services.sending.message_media import fail as fail_sends
from app.services.sending.message_media import make_due
from app.services.sending.message_media import plan_again as plan_media
from app.services.sending.outcomes import status_error
from app.services.sending.probe import ProbeNumbers
from app.services.sending.queue import SendQueue
from app.services.sending.record_results import SendOutcome
from app.services.sending.send_message import SendMessage
from app.services.sending.sent import Sent
from app.services.sending.status_events import append_status_events
from app.services.sending.sweep import SweepSends
from app.services.sending.template_categories import TemplateCategories

__all__ = [
    "CANCELLABLE", "MARKABLE", "RETRIABLE",
    "BatchItem", "BatchView", "Batches", "BulkActions", "BulkResult", "DatabaseUse", "DueSend", "HoldSends",
    "ItemResult", "MARGIN", "MediaPlan", "Missing", "ProbeNumbers", "SendActions", "SendMessage", "SendOutcome",
    "SendQueue", "Sent", "SweepSends", "TemplateCategories", "append_status_events", "choose_number", "fail_sends",
    "make_due", "plan_media", "requeue", "status_error",
]  # fmt: skip
