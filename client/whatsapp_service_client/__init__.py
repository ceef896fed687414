"""Talk to a whatsapp-service gateway from Python.

```python
from whatsapp_service_client import Client

with Client("https://gateway.example", "wsk…") as client:
    client.send_text("+5491112345678", "Tu pedido ya salió")
```
"""

from whatsapp_service_client.bodies import SendBody
from whatsapp_service_client.client import Client
from whatsapp_service_client.downloads import Download
from whatsapp_service_client.errors import (
    Conflict,
    CursorGone,
    Forbidden,
    GatewayError,
    Invalid,
    NotAGateway,
    NotFound,
    OptedOut,
    Refused,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unreachable,
    WindowClosed,
    WrongState,
)
from whatsapp_service_client.events import EventStream
from whatsapp_service_client.pages import Page, Pages
from whatsapp_service_client.transport import UNSET
from whatsapp_service_client.version import __version__
from whatsapp_service_client.webhooks import InvalidSignature, Webhook

__all__ = [
    "UNSET",
    "Client",
    "Conflict",
    "CursorGone",
    "Download",
    "EventStream",
    "Forbidden",
    "GatewayError",
    "Invalid",
    "InvalidSignature",
    "NotAGateway",
    "NotFound",
    "OptedOut",
    "Page",
    "Pages",
    "Refused",
    "SendBody",
    "Throttled",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
    "Webhook",
    "WindowClosed",
    "WrongState",
    "__version__",
]
