"""Every operation of the API. Made of the API's description by `client/generate.py`."""

from whatsapp_service_client.operations.alerts import Alerts
from whatsapp_service_client.operations.audit import Audit
from whatsapp_service_client.operations.batches import Batches
from whatsapp_service_client.operations.contacts import Contacts
from whatsapp_service_client.operations.conversations import Conversations
from whatsapp_service_client.operations.deliveries import Deliveries
from whatsapp_service_client.operations.doctor import Doctor
from whatsapp_service_client.operations.endpoints import Endpoints
from whatsapp_service_client.operations.events import Events
from whatsapp_service_client.operations.keys import Keys
from whatsapp_service_client.operations.media import Media
from whatsapp_service_client.operations.messages import Messages
from whatsapp_service_client.operations.notifications import Notifications
from whatsapp_service_client.operations.numbers import Numbers
from whatsapp_service_client.operations.people import People
from whatsapp_service_client.operations.sending import Sending
from whatsapp_service_client.operations.statistics import Statistics
from whatsapp_service_client.operations.templates import Templates


class AllOperations(
    Alerts,
    Audit,
    Batches,
    Contacts,
    Conversations,
    Deliveries,
    Doctor,
    Endpoints,
    Events,
    Keys,
    Media,
    Messages,
    Notifications,
    Numbers,
    People,
    Sending,
    Statistics,
    Templates,
):
    """Every operation of the API but those that `client` writes by hand."""
