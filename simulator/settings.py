"""What a simulated Meta looks like: its apps, numbers and customers, and how fast things happen."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.faults.rules import Fault


@dataclass(frozen=True)
class BusinessNumber:
    """A number of the business's, as `GET /<phone_number_id>` would show it."""

    phone_number_id: str = "700100200300400"
    waba_id: str = "900100200300400"
    display_phone_number: str = "15550100100"
    verified_name: str = "Example Shop"


@dataclass(frozen=True)
class MetaApp:
    """An app on Meta's side: where its webhooks go, who signs them, which token calls Graph for it."""

    app_id: str = "600100200300400"
    app_secret: str = "simulator-app-secret"
    verify_token: str = "simulator-verify-token"
    access_token: str = "EAAsimulated"
    webhook_url: str = "http://127.0.0.1:8000/webhook/whatsapp"
    waba_ids: tuple[str, ...] = ()
    """The accounts it is subscribed to at the start; none means every account."""


@dataclass(frozen=True)
class CustomerProfile:
    """Somebody with WhatsApp on their phone. `wa_id` is the digits Meta knows them by."""

    wa_id: str = "5491112345678"
    name: str = "Ana"
    username: str | None = None
    shows_number: bool = True
    """False for people with a username whose number Meta keeps from the business."""
    on_whatsapp: bool = True
    sends_read_receipts: bool = True


@dataclass(frozen=True)
class GroupProfile:
    """A group that a number of the business's has; `members` are the digits of its other participants."""

    group_id: str = "Y2FwaV9n"
    subject: str = "VIP"
    members: tuple[str, ...] = ("5491112345678",)


@dataclass(frozen=True)
class Pace:
    """How long things take, in seconds, and how often Meta lets them happen. 0 switches a limit off."""

    sent_after: float = 0.15
    delivered_after: float = 0.4
    read_after: float = 1.2
    reviewed_after: float = 2.0
    webhook_timeout: float = 20.0
    first_retry_after: float = 0.5
    longest_retry_after: float = 60.0
    retries_for: float = 7 * 24 * 3600.0
    batch_for: float = 0.0
    """How long changes are collected before they go out together in one webhook."""
    messages_per_second: int = 80
    pair_burst: int = 45
    seconds_per_pair_message: float = 6.0


@dataclass(frozen=True)
class SimulatorSettings:
    """Everything `create_simulator` needs. The defaults are one number, one app and Ana.

    With a `seed`, ids and chances repeat from run to run. Without one they are fresh each time, as they must be for a
    gateway that remembers the ids of the run before.
    """

    host: str = "127.0.0.1"
    port: int = 8001
    numbers: tuple[BusinessNumber, ...] = (BusinessNumber(),)
    apps: tuple[MetaApp, ...] = (MetaApp(),)
    customers: tuple[CustomerProfile, ...] = (CustomerProfile(),)
    groups: tuple[GroupProfile, ...] = (GroupProfile(),)
    pace: Pace = field(default_factory=Pace)
    seed: int | None = None
    faults: tuple[Fault, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    """Names beside the loopback ones that the page may be opened under and webhooks may be sent to."""
    enforce_window: bool = True
    allowed_recipients: tuple[str, ...] | None = None
    """Digits that a test number may write to; `None` for a number that is not a test number."""

    public_url: str = ""
    """Where the gateway reaches this simulator, when that is not `host` and `port`."""

    @property
    def base_url(self) -> str:
        """Where this simulator is reached, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"
