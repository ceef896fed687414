"""The tables."""

from app.models.alerts import Alert
from app.models.api_keys import ApiKey, KeyUse
from app.models.api_usage import SeenUsage
from app.models.audit_log import AuditEntry, AuditHead
from app.models.base import Base
from app.models.contacts import Contact, ContactAlias, ContactNumber
from app.models.conversations import (
    Conversation,
    ConversationLabel,
    ConversationNote,
    Label,
    Presence,
    QuickReply,
)
from app.models.counts import CountedUpTo, LatencyCount, PricedMessages, Traffic
from app.models.database_use import DatabaseUse
from app.models.endpoints import Delivery, DeliveryAttempt, Endpoint
from app.models.erasures import ErasedName, ErasureKey
from app.models.events import Event
from app.models.idempotency import IdempotencyKey, IdempotentRequest
from app.models.jobs import Job, WebSeen, WorkerSeen
from app.models.media import Media, MediaFile
from app.models.messages import MergedMessage, Message, MessageRevision, SendAttempt, StatusReport
from app.models.meta_uploads import MetaUpload
from app.models.notifications import Notification, ParkedItem
from app.models.numbers import Number
from app.models.people import PersonSession, SignInLink, StoredPerson
from app.models.push import PushNotice, PushSubscription
from app.models.queue import Batch, NumberLimit, QueuedSend, RecipientLimit
from app.models.registry import RegistryVersion
from app.models.schema_info import SchemaInfo
from app.models.search import ContactIndexQueue, ContactWord, MessageDocument, MessageIndexQueue
from app.models.upkeep import Upkeep

__all__ = [
    "Alert",
    "ApiKey",
    "AuditEntry",
    "AuditHead",
    "Base",
    "Batch",
    "Contact",
    "ContactAlias",
    "ContactNumber",
    "Conversation",
    "ConversationLabel",
    "ConversationNote",
    "CountedUpTo",
    "DatabaseUse",
    "Delivery",
    "DeliveryAttempt",
    "Endpoint",
    "ErasedName",
    "ErasureKey",
    "Event",
    "IdempotencyKey",
    "IdempotentRequest",
    "Job",
    "KeyUse",
    "LatencyCount",
    "Label",
    "Media",
    "MediaFile",
    "MergedMessage",
    "Message",
    "ContactWord",
    "MessageDocument",
    "MessageRevision",
    "MetaUpload",
    "Notification",
    "Number",
    "NumberLimit",
    "RecipientLimit",
    "ParkedItem",
    "PersonSession",
    "Presence",
    "PricedMessages",
    "PushNotice",
    "PushSubscription",
    "QueuedSend",
    "QuickReply",
    "RegistryVersion",
    "SchemaInfo",
    "SeenUsage",
    "SendAttempt",
    "SignInLink",
    "StatusReport",
    "StoredPerson",
    "Traffic",
    "Upkeep",
    "ContactIndexQueue",
    "MessageIndexQueue",
    "WebSeen",
    "WorkerSeen",
]
