"""Shapes of what the gateway answers and takes. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AlertAnswer(TypedDict):
    """One thing that is, or was, wrong."""

    id: str
    kind: str
    """More values may come."""
    subject: str
    """A number, a template, …; empty if there is one."""
    state: str
    """More values may come."""
    message: Any
    """What is wrong, in a sentence."""
    remedy: Any
    """What to do about it."""
    phone_number_id: str | None
    details: dict[str, Any]
    count: int
    """How often it was raised: once a day."""
    first_raised_at: str
    last_raised_at: str
    notified_at: str | None
    """When a person was last told, by post or mail."""
    closed_at: str | None


class AuditEntryAnswer(TypedDict):
    """One act."""

    id: int
    at: str
    actor: str
    """`key:NAME`, `person:ID`, `cli` or `system`."""
    act: str
    subject: str
    """A kind and our id: `contact:ID`."""
    details: dict[str, Any]
    erased: bool
    """The details are pseudonyms, since their person was erased."""
    place: int | None
    """In the chain; null for some seconds."""
    hash: str | None


class BatchAnswer(TypedDict):
    """A batch, and how many of its messages are in which status."""

    id: str
    name: str | None
    phone_number_id: str
    state: str
    """More values may come."""
    created_at: str
    updated_at: str
    counts: dict[str, int]


class Alias(TypedDict):
    """A name that Meta knows, or knew, a contact by."""

    kind: str
    """More values may come."""
    value: str
    until: str | None


class Window(TypedDict):
    """The time in which one of our numbers may send a contact anything, not templates alone."""

    last_inbound_at: str
    """When it last wrote or called, by Meta's clock."""
    expires_at: str
    is_open: bool


class OptOut(TypedDict):
    """That a contact wants no marketing from one of our numbers."""

    category: str
    """More values may come."""
    since: str
    how: str
    """By WhatsApp's own switch, Meta's refusal (131050), one of `OPT_OUT_WORDS`, or the API. More values may come."""


class Handling(TypedDict):
    """Who answers a contact on one of our numbers."""

    handled_by: str
    """More values may come."""
    agent_at: str | None
    """When a person last answered or took over."""
    until: str | None
    """When the bot gets the contact back if nobody answers until then."""


class ContactAnswer(TypedDict):
    """A person on WhatsApp."""

    id: str
    name: str | None
    """What the team calls it, else `profile_name`."""
    profile_name: str | None
    username: str | None
    wa_id: str | None
    user_id: str | None
    notes: str | None
    aliases: list[Alias]
    created_at: str
    windows: dict[str, Window]
    """By the `phone_number_id` of our numbers."""
    opt_outs: dict[str, OptOut]
    """By the `phone_number_id` of our numbers."""
    handling: dict[str, Handling]
    """By the `phone_number_id` of our numbers."""


class DoneAnswer(TypedDict):
    """What was asked for was done."""

    success: NotRequired[bool]


class NoteAnswer(TypedDict):
    """What a person wrote for the team."""

    id: str
    author: str
    """`person:ID` or `key:NAME`."""
    text: str
    created_at: str


class NormalizedContact(TypedDict):
    """Who a message is with."""

    id: str
    wa_id: str | None
    """The phone's digits; null when Meta hides the number."""
    user_id: str | None
    """Meta's business-scoped user id."""
    parent_user_id: str | None
    username: str | None
    """For display only; people change it."""
    name: str | None
    """What the business calls them, else what they call themselves."""
    profile_name: str | None
    """What they call themselves."""


class NormalizedMessage(TypedDict):
    """A message in either direction."""

    channel: str
    sender: str | None
    """`+E.164`, or the user id when Meta hides the number."""
    message: str
    """What a person would read: text, caption, or `[type] …`."""
    timestamp: str
    """When it was written, by Meta's clock."""
    message_id: str | None
    """Meta's id (wamid); null until Meta gave one."""
    message_type: str
    """More values may come."""
    id: str
    """Our id of the message."""
    direction: str
    """More values may come."""
    phone_number_id: str
    recipient: str | None
    contact: NormalizedContact | None
    content: Any
    """What the message holds, by its type: see `/events.schema.json`."""
    context: dict[str, Any] | None
    """What the message answers, or where it was forwarded from."""
    referral: dict[str, Any] | None
    """The advertisement or post that the chat began from."""
    group_id: str | None
    status: str
    """More values may come."""
    error: dict[str, Any] | None
    """Meta's `code`, `title`, `details`, `message`, `href`."""
    pricing: dict[str, Any] | None
    callback_data: str | None
    """What the sender attached for themselves."""
    source: str
    """More values may come."""
    received_at: str
    """When the gateway got it."""
    flags: list[str]


class LastMessageAnswer(TypedDict):
    """The newest message of a conversation."""

    id: str
    message: str
    """Its text in one line."""
    message_type: str
    """More values may come."""
    direction: str
    """More values may come."""
    status: str
    """More values may come."""
    timestamp: str
    is_revoked: bool


class LabelAnswer(TypedDict):
    """A label."""

    id: str
    name: str
    colour: str
    """`#rrggbb`."""


class MatchAnswer(TypedDict):
    """The newest message of a conversation that matches a search."""

    message_id: str
    """Our id: `around` of the thread begins there."""
    message: str
    timestamp: str


class ConversationAnswer(TypedDict):
    """What a contact and one of our numbers wrote to each other, as a list shows it."""

    id: str
    contact: NormalizedContact
    phone_number_id: str
    last_message: LastMessageAnswer | None
    last_message_at: str
    """The order of the list."""
    last_inbound_at: str | None
    window_closes_at: str | None
    """Until then anything may be sent, afterwards templates alone."""
    is_window_open: bool
    unread: int
    """Messages of the customer that nobody of the team has seen."""
    is_closed: bool
    """The customer's next message opens it."""
    closed_at: str | None
    assignee: str | None
    """The id of a person."""
    waiting_since: str | None
    """When the customer first wanted a person, who has not answered yet."""
    has_failed: bool
    """A send failed, expired or is held, and is to be looked at."""
    handled_by: str
    """More values may come."""
    human_until: str | None
    """When the bot answers again if no person writes until then."""
    has_opted_out: bool
    """The contact wants no marketing."""
    labels: list[LabelAnswer]
    match: MatchAnswer | None
    """Set by a search whose words are in a message."""


class ReactionAnswer(TypedDict):
    """An emoji on a message."""

    id: str
    """Our id of the reaction's own message."""
    emoji: str
    direction: str
    """More values may come."""
    timestamp: str
    sent_by: str | None


class RevisionAnswer(TypedDict):
    """An edit or a revocation, with the text before it."""

    revoked: bool
    timestamp: str
    previous: str | None


class AttemptAnswer(TypedDict):
    """One attempt to send a message."""

    number: int
    state: str
    """More values may come."""
    started_at: str
    finished_at: str | None
    error: dict[str, Any] | None


class QuotedAnswer(TypedDict):
    """The message that another one answers; only `message_id` is known if it is not stored."""

    id: str | None
    message_id: str | None
    direction: Literal["inbound", "outbound"] | str | None
    """More values may come."""
    message_type: str | None
    message: str | None


class ThreadMessageAnswer(TypedDict):
    """A message of a thread: the message as everywhere, and what belongs beside it."""

    sender_kind: str
    """Who wrote it: the customer, a person in the inbox, a bot (an app's answer or a Python handler), whoever holds
    an API key, or the business's own phone. More values may come.
    """
    sent_by: str | None
    """`person:ID`, `key:NAME` or `endpoint:ID` of a send."""
    held_for: str | None
    """Why the message is held."""
    batch_id: str | None
    reactions: list[ReactionAnswer]
    revisions: list[RevisionAnswer]
    attempts: list[AttemptAnswer]
    quoted: QuotedAnswer | None
    sent_at: str | None
    delivered_at: str | None
    read_at: str | None
    failed_at: str | None
    channel: str
    sender: str | None
    """`+E.164`, or the user id when Meta hides the number."""
    message: str
    """What a person would read: text, caption, or `[type] …`."""
    timestamp: str
    """When it was written, by Meta's clock."""
    message_id: str | None
    """Meta's id (wamid); null until Meta gave one."""
    message_type: str
    """More values may come."""
    id: str
    """Our id of the message."""
    direction: str
    """More values may come."""
    phone_number_id: str
    recipient: str | None
    contact: NormalizedContact | None
    content: Any
    """What the message holds, by its type: see `/events.schema.json`."""
    context: dict[str, Any] | None
    """What the message answers, or where it was forwarded from."""
    referral: dict[str, Any] | None
    """The advertisement or post that the chat began from."""
    group_id: str | None
    status: str
    """More values may come."""
    error: dict[str, Any] | None
    """Meta's `code`, `title`, `details`, `message`, `href`."""
    pricing: dict[str, Any] | None
    callback_data: str | None
    """What the sender attached for themselves."""
    source: str
    """More values may come."""
    received_at: str
    """When the gateway got it."""
    flags: list[str]


class ThreadAnswer(TypedDict):
    """A part of a thread, oldest first."""

    conversation: ConversationAnswer
    data: list[ThreadMessageAnswer]
    notes: list[NoteAnswer]
    """Those that were written between these messages."""
    previous: str | None
    """`before` of the part with older messages."""
    next: str | None
    """`after` of the part with newer messages."""


class SendMessageResponse(TypedDict):
    """A message that was taken."""

    success: bool
    message_id: str | None
    id: str
    status: str
    warnings: list[str]


class SeenAnswer(TypedDict):
    """What is unread still."""

    success: bool
    unread: int


class DeliveryAnswer(TypedDict):
    """One event owed to one endpoint."""

    id: str
    endpoint_id: str
    event_id: str
    state: str
    """More values may come."""
    is_replay: bool
    attempts: int
    """Tries so far; counted anew when a dead one is retried."""
    due_at: str | None
    """When it is tried next; null when that is never, or with another."""
    carried_by: str | None
    """The delivery that it is, or was, posted together with."""
    reason: str | None
    """Why it is not delivered."""
    created_at: str
    finished_at: str | None


class TryAnswer(TypedDict):
    """One try."""

    number: int
    started_at: str
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None
    """At most 64 KiB of what it answered."""
    note: str | None
    """Why a delivered event's answer is not sent to the customer."""


class DeliveryDetails(TypedDict):
    """One event owed to one endpoint, with every try at delivering it."""

    id: str
    endpoint_id: str
    event_id: str
    state: str
    """More values may come."""
    is_replay: bool
    attempts: int
    """Tries so far; counted anew when a dead one is retried."""
    due_at: str | None
    """When it is tried next; null when that is never, or with another."""
    carried_by: str | None
    """The delivery that it is, or was, posted together with."""
    reason: str | None
    """Why it is not delivered."""
    created_at: str
    finished_at: str | None
    tries: list[TryAnswer]


class EndpointBacklogAnswer(TypedDict):
    """What one endpoint is owed: deliveries that wait, and those that were given up."""

    endpoint_id: str
    pending: int
    due_since: str | None
    """Since when the first is due; null if none is."""
    dead: int
    stale: int


class RetryManyAnswer(TypedDict):
    """How many are tried, and how many could not be: delivered meanwhile, or unknown."""

    count: int
    refused: int


class DoctorLineAnswer(TypedDict):
    """One thing that was looked at."""

    name: str
    """The check's name."""
    part: str
    """More values may come."""
    checked: str
    """What was looked at."""
    state: str
    """`skipped`: nothing to check, or another line says why not. More values may come."""
    found: str
    """What was found."""
    remedy: str | None
    """What to do; null if all is well."""
    subject: str | None
    """The number, account or folder it is about."""
    fix: str | None
    """What `flask doctor --fix` would do about it."""


class DoctorAnswer(TypedDict):
    """How this installation is, from its settings to Meta."""

    state: str
    """That of the worst line. More values may come."""
    checked_at: str
    seconds: float
    """How long it took; at most 15."""
    lines: list[DoctorLineAnswer]


class EndpointAnswer(TypedDict):
    """One of the user's apps, or one of their Python handlers."""

    id: str
    url: str | None
    """Null for a Python handler."""
    handler: str | None
    """A Python handler's name, `module:function`."""
    description: str | None
    format: str
    """More values may come."""
    state: str
    """More values may come."""
    disabled_reason: str | None
    failing_since: str | None
    retry_at: str | None
    """When one event is tried, to see how it is."""
    ordered: bool
    replies: bool
    types: list[str] | None
    statuses: list[str] | None
    message_types: list[str] | None
    numbers: list[str] | None
    max_age_seconds: int | None
    max_per_second: int | None
    max_in_flight: int | None
    debounce_seconds: int | None
    batch: int | None
    split: bool
    created_at: str
    updated_at: str


class NewEndpointAnswer(TypedDict):
    """A new endpoint, with its secret, which is shown this once."""

    id: str
    url: str | None
    """Null for a Python handler."""
    handler: str | None
    """A Python handler's name, `module:function`."""
    description: str | None
    format: str
    """More values may come."""
    state: str
    """More values may come."""
    disabled_reason: str | None
    failing_since: str | None
    retry_at: str | None
    """When one event is tried, to see how it is."""
    ordered: bool
    replies: bool
    types: list[str] | None
    statuses: list[str] | None
    message_types: list[str] | None
    numbers: list[str] | None
    max_age_seconds: int | None
    max_per_second: int | None
    max_in_flight: int | None
    debounce_seconds: int | None
    batch: int | None
    split: bool
    created_at: str
    updated_at: str
    secret: str


class ReplayAnswer(TypedDict):
    """How many are to be delivered again."""

    count: int


class SecretAnswer(TypedDict):
    """The new secret, shown this once."""

    secret: str


class TestAnswer(TypedDict):
    """What came of the test event."""

    success: bool
    status: int | None
    error: str | None
    duration_ms: int
    answer: str
    warnings: list[str]
    """Of a success: what speaks for an app that answers 2xx and drops everything."""


class LastOutbound(TypedDict):
    """What we last said to the sender of a message: often the question that it answers."""

    id: str
    message_id: str | None
    message_type: str
    message: str
    timestamp: str
    source: str
    callback_data: str | None
    template: str | None
    """The template's name, if it was one."""


class ReceivedData(TypedDict):
    """A message from a customer; `last_outbound` is null where nothing was said to them, or the message is old."""

    channel: str
    sender: str | None
    """`+E.164`, or the user id when Meta hides the number."""
    message: str
    """What a person would read: text, caption, or `[type] …`."""
    timestamp: str
    """When it was written, by Meta's clock."""
    message_id: str | None
    """Meta's id (wamid); null until Meta gave one."""
    message_type: str
    """More values may come."""
    id: str
    """Our id of the message."""
    direction: str
    """More values may come."""
    phone_number_id: str
    recipient: str | None
    contact: NormalizedContact | None
    content: Any
    """What the message holds, by its type: see `/events.schema.json`."""
    context: dict[str, Any] | None
    """What the message answers, or where it was forwarded from."""
    referral: dict[str, Any] | None
    """The advertisement or post that the chat began from."""
    group_id: str | None
    status: str
    """More values may come."""
    error: dict[str, Any] | None
    """Meta's `code`, `title`, `details`, `message`, `href`."""
    pricing: dict[str, Any] | None
    callback_data: str | None
    """What the sender attached for themselves."""
    source: str
    """More values may come."""
    received_at: str
    """When the gateway got it."""
    flags: list[str]
    last_outbound: LastOutbound | None
    handled_by: Literal["bot", "human"] | str | None
    """Who answered the contact when the message was read: while it is `human`, bots keep silent. More values may
    come.
    """


class ReceivedEvent(TypedDict):
    """An event of the type `message.received`."""

    id: str
    type: Literal["message.received"]
    version: Literal[1]
    timestamp: str
    """When it happened, by Meta's clock."""
    received_at: str
    """When the gateway was told."""
    delayed_seconds: int
    data: ReceivedData


class SentEvent(TypedDict):
    """An event of the type `message.sent`."""

    id: str
    type: Literal["message.sent"]
    version: Literal[1]
    timestamp: str
    """When it happened, by Meta's clock."""
    received_at: str
    """When the gateway was told."""
    delayed_seconds: int
    data: NormalizedMessage


class ReportedStatus(TypedDict):
    """What Meta reported of a message."""

    status: str
    """`sent`, `delivered`, `read`, `played`, `failed`, …"""
    timestamp: str
    recipient: str | None
    """`+E.164` or a user id; in a group, the member."""
    error: dict[str, Any] | None
    """What Meta said."""
    pricing: dict[str, Any] | None
    """Meta's `billable`, `pricing_model`, `type` and `category`."""
    message_id: str | None
    """Meta's id (wamid) that the report names."""


class StatusData(TypedDict):
    """A report, and the message that it is about, as it stands after the report; null when we do not know it."""

    message: NormalizedMessage | None
    status: ReportedStatus


class StatusEvent(TypedDict):
    """An event of the type `message.status`."""

    id: str
    type: Literal["message.status"]
    version: Literal[1]
    timestamp: str
    """When it happened, by Meta's clock."""
    received_at: str
    """When the gateway was told."""
    delayed_seconds: int
    data: StatusData


class NewText(TypedDict):
    """What a message says now."""

    message: str
    content: Any


class RevisionData(TypedDict):
    """A message that its sender changed or took back, with its flags after and before; null when we do not know it."""

    message: NormalizedMessage | None
    previous: NormalizedMessage | None
    original_message_id: str | None
    """Meta's id (wamid) of the message that is meant."""
    new: NewText | None
    """What it says now; null when it was taken back."""


class RevisionEvent(TypedDict):
    """An event of the type `message.edited` or `message.revoked`."""

    id: str
    type: Literal["message.edited", "message.revoked"]
    version: Literal[1]
    timestamp: str
    """When it happened, by Meta's clock."""
    received_at: str
    """When the gateway was told."""
    delayed_seconds: int
    data: RevisionData


class KnownPerson(TypedDict):
    """A contact of ours, and its names."""

    wa_id: str | None
    user_id: str | None
    parent_user_id: str | None
    username: str | None
    name: str | None
    """What the business calls them, else what they call themselves."""
    profile_name: str | None
    """What they call themselves."""
    id: str


class PersonNames(TypedDict):
    """The names that Meta gave somebody."""

    wa_id: str | None
    user_id: str | None
    parent_user_id: str | None
    username: str | None
    name: str | None
    """What the business calls them, else what they call themselves."""
    profile_name: str | None
    """What they call themselves."""


class OptOutNews(TypedDict):
    """What a person wishes about marketing from now on, and how they said it."""

    category: str
    opted_out: bool
    at: str
    how: str
    phone_number_ids: list[str]
    """The numbers of ours that it is about."""


class HandoverNews(TypedDict):
    """Who answers a person from now on."""

    handled_by: str
    """More values may come."""
    phone_number_ids: list[str]
    """The numbers of ours that it is about."""


class ContactData(TypedDict):
    """A person of whom something changed."""

    contact: KnownPerson | None
    previous: PersonNames | None
    """What the person was called before."""
    reason: str
    """`changed_number`, `changed_user_id`, `synced`, …"""
    opt_out: OptOutNews | None
    """Null unless `reason` says so."""
    handover: HandoverNews | None
    """Null unless `reason` is `handed_over`."""


class ContactEvent(TypedDict):
    """An event of the type `contact.updated`."""

    id: str
    type: Literal["contact.updated"]
    version: Literal[1]
    timestamp: str
    """When it happened, by Meta's clock."""
    received_at: str
    """When the gateway was told."""
    delayed_seconds: int
    data: ContactData


class PreferenceData(TypedDict):
    """What a person wishes to get from us."""

    contact: KnownPerson | None
    category: str | None
    value: str | None
    """`stop` or `resume`."""
    detail: str | None


class PreferenceEvent(TypedDict):
    """An event of the type `marketing.preference`."""

    id: str
    type: Literal["marketing.preference"]
    version: Literal[1]
    timestamp: str
    """When it happened, by Meta's clock."""
    received_at: str
    """When the gateway was told."""
    delayed_seconds: int
    data: PreferenceData


class TellingOfAlert(TypedDict):
    """What is, or was, wrong."""

    id: str
    kind: str
    subject: str
    message: str
    phone_number_id: str | None
    details: dict[str, Any]
    count: int
    first_raised_at: str
    last_raised_at: str
    closed_at: str | None


class AlertData(TypedDict):
    """Something that a person should look at, or need no longer."""

    action: str
    text: str
    """The whole story, for people."""
    alert: TellingOfAlert


class AlertEvent(TypedDict):
    """An event of the type `gateway.alert`."""

    id: str
    type: Literal["gateway.alert"]
    version: Literal[1]
    timestamp: str
    """When it happened, by Meta's clock."""
    received_at: str
    """When the gateway was told."""
    delayed_seconds: int
    data: AlertData


class ChangeData(TypedDict):
    """A change as Meta wrote it."""

    field: str
    value: Any
    waba_id: str | None
    """The business account that this is about."""
    phone_number_ids: list[str]
    """The numbers of yours that this is about."""


class ChangeEvent(TypedDict):
    """An event of the type `call`, `group`, `unknown`, or `account.` and a field of Meta's; new ones may come."""

    id: str
    type: str
    version: Literal[1]
    timestamp: str
    """When it happened, by Meta's clock."""
    received_at: str
    """When the gateway was told."""
    delayed_seconds: int
    data: ChangeData


class KeyAnswer(TypedDict):
    """An API key, without the key itself."""

    name: str
    scopes: list[str]
    numbers: list[str] | None
    """Phone number ids; null means all numbers."""
    created_at: str
    revoked_at: str | None


class NewKeyAnswer(TypedDict):
    """An API key with its text, which is not shown again."""

    name: str
    scopes: list[str]
    numbers: list[str] | None
    """Phone number ids; null means all numbers."""
    created_at: str
    revoked_at: str | None
    key: str


class CurrentKeyAnswer(TypedDict):
    """What a key may do: `admin` has all scopes."""

    name: str
    scopes: list[str]
    numbers: list[str] | None
    """Phone number ids; null means all numbers."""


class MediaAnswer(TypedDict):
    """A file of a message."""

    id: str
    """Our id: `content.media_id` of the message."""
    direction: str
    """More values may come."""
    state: str
    """`stored` here; `pending`: being fetched; `at_meta`: not kept here; `gone` at Meta before it was fetched;
    `refused`: not what Meta said; `erased` here. More values may come.
    """
    reason: str | None
    """Why it is not stored (yet)."""
    phone_number_id: str
    message_id: str | None
    """Our id of the message."""
    meta_media_id: str | None
    """Meta's id of the file."""
    mime_type: str | None
    """By its content once it is stored, else as Meta said."""
    size: int | None
    """Bytes; null until it is stored."""
    sha256: str | None
    """In hexadecimal, once stored."""
    filename: str | None
    """As the sender has it."""
    created_at: str
    stored_at: str | None
    expires_at: str | None
    """When Meta deletes its copy."""
    url: str
    """A path that opens the file for an hour without a key."""
    thumbnail_url: str | None
    """The same for a small JPEG of a picture."""


class ActionAnswer(TypedDict):
    """The message's status from now on."""

    success: bool
    id: str
    status: str


class Happening(TypedDict):
    """One thing that happened to a message; what a kind does not have is null."""

    at: str
    """When, by the gateway's clock."""
    what: str
    """More values may come."""
    status: str | None
    """How an attempt ended, or the status that Meta reported."""
    attempt: int | None
    """Which attempt at sending, from 1."""
    message_id: str | None
    """Meta's id (wamid) of this attempt."""
    timestamp: str | None
    """When, by Meta's clock."""
    recipient: str | None
    """The member of a group that a status is about."""
    message: str | None
    """What the message said from an edit on."""
    previous: str | None
    """What it said before an edit or a revocation."""
    error: dict[str, Any] | None
    """What Meta said."""
    note: str | None
    """Why what your app answered is not sent, or not all of it."""
    pricing: dict[str, Any] | None
    type: str | None
    """An event's type."""
    event_id: str | None
    endpoint_id: str | None
    """Which of your apps: see `/api/endpoints`."""
    notification_id: str | None
    """The webhook that said so: see `/api/notifications`."""
    delivery_id: str | None
    """What can be retried: see `/api/deliveries`."""
    duration_ms: int | None
    """How long a try at a delivery took."""
    due_at: str | None
    """When a delivery that waits is tried next."""
    app: str | None
    """The Meta app that signed the webhook: its id, or `default`."""


class ErrorDetails(TypedDict):
    """Why not, for programs (`code`, `fields`, `meta`) and for people (`message`)."""

    code: str
    """Stable; what a program should look at. More values may come."""
    message: str
    """For people. May be worded anew any day."""
    retryable: bool
    """Whether the same request may succeed later."""
    fields: NotRequired[dict[str, list[str]]]
    """What is wrong with each field, by its dotted path."""
    meta: NotRequired[dict[str, Any]]
    """What Meta said: `code`, `details`, `fbtrace_id`, …"""


class BulkItem(TypedDict):
    """What became of one of the messages: its id, or why it was not queued."""

    success: bool
    id: NotRequired[str]
    status: NotRequired[str]
    warnings: NotRequired[list[str]]
    error: NotRequired[ErrorDetails]


class BulkAnswer(TypedDict):
    """An answer for each message, in their order."""

    batch: str | None
    """The batch's id; null where none was queued."""
    data: list[BulkItem]


class DoneManyAnswer(TypedDict):
    """How many messages were moved, how many are left as they are by the error's code, and whether there are more."""

    success: bool
    moved: int
    refused: dict[str, int]
    more: bool


class NotificationAnswer(TypedDict):
    """One POST of Meta's, and what became of its items."""

    id: str
    state: str
    """More values may come."""
    reason: str | None
    received_at: str
    processed_at: str | None
    request_id: str
    items: int | None
    """Null until it was read."""
    books: dict[str, dict[str, int]] | None
    """By number: how many items are `processed`, `duplicate`, `parked`, `quarantined`."""


class SetAsideItem(TypedDict):
    """An item that could not be read or stored (`parked`), or whose signer may not say it (`quarantined`)."""

    position: int
    state: str
    """More values may come."""
    field: str
    phone_number_id: str | None
    reason: str


class NotificationDetails(TypedDict):
    """One POST of Meta's, with the items that were set aside."""

    id: str
    state: str
    """More values may come."""
    reason: str | None
    received_at: str
    processed_at: str | None
    request_id: str
    items: int | None
    """Null until it was read."""
    books: dict[str, dict[str, int]] | None
    """By number: how many items are `processed`, `duplicate`, `parked`, `quarantined`."""
    set_aside: list[SetAsideItem]


class PaceAnswer(TypedDict):
    """How a number's queue moves."""

    queued: dict[str, int]
    """How many wait, by priority."""
    share: float
    """Of the rate; less for a while after Meta said it was too much."""
    paused_for: str | None
    """`auth`: the token is not accepted; `rate`: Meta wants less."""
    paused_until: str | None
    in_doubt: bool
    """Meta gave no clear answers; sends wait while it is asked."""
    bulk_stopped_by: int | None
    """Meta's code that stopped campaigns, until a batch is resumed."""


class NumberAnswer(TypedDict):
    """A number of ours."""

    phone_number_id: str
    display_phone_number: str | None
    waba_id: str | None
    app: str
    source: str
    """More values may come."""
    has_own_token: bool
    has_own_secret: bool
    rate: float
    """Messages a second."""
    pace: PaceAnswer


class FindingAnswer(TypedDict):
    """One thing that was looked at."""

    name: str
    state: str
    """More values may come."""
    value: str | None
    """What Meta said."""
    text: str
    """The same for people."""
    remedy: str | None
    """What to do about it; null where all is well."""


class CheckAnswer(TypedDict):
    """How a number is, by Meta's account."""

    phone_number_id: str
    ok: bool
    state: str
    """`unknown`: not everything could be asked. More values may come."""
    checked_at: str
    findings: list[FindingAnswer]


class QueueAnswer(TypedDict):
    """What waits in one queue."""

    waiting: int
    """Counted up to `most`; there may be more."""
    lag_seconds: float
    """For how long the first has been due."""
    most: int


class LastAuditAnswer(TypedDict):
    """The last nightly audit."""

    checked_at: str
    problems: int
    """0: the books balance."""


class OverviewAnswer(TypedDict):
    """How the gateway does now."""

    at: str
    worker: str
    """More values may come."""
    worker_seen_at: str | None
    webhooks: QueueAnswer
    """Not processed yet."""
    sends: QueueAnswer
    """Due, and not sent yet."""
    deliveries: QueueAnswer
    """Owed to your apps."""
    held: int
    """Sends that wait for a person's decision."""
    dead: int
    """Deliveries that are no longer tried."""
    open_alerts: int
    audit: LastAuditAnswer | None
    """Null before the first night."""


class PersonAnswer(TypedDict):
    """A person who works in the inbox."""

    id: str
    name: str
    role: str
    """More values may come."""
    numbers: list[str] | None
    """Phone number ids; null means all numbers."""
    created_at: str
    disabled_at: str | None
    """Since when the person has no access."""
    sessions: int
    """How many browsers are signed in."""
    last_seen_at: str | None
    """When one of them was used last, by the minute."""


class SignInLinkAnswer(TypedDict):
    """A link by which a person signs in, once."""

    url: str
    expires_at: str


class RevokedAnswer(TypedDict):
    """What ended."""

    success: bool
    revoked: int
    """How many links, or sessions."""


class PreflightAnswer(TypedDict):
    """Whether a send would succeed now, and if not, why."""

    ok: bool
    """Nothing on our side stands against it. Meta was not asked."""
    phone_number_id: str | None
    """The number that would send it."""
    at: str | None
    """When its turn would be."""
    problems: list[ErrorDetails]
    """What the send would answer."""
    warnings: list[str]
    """They stop no send."""


class QuickReplyAnswer(TypedDict):
    """A text that agents insert by its shortcut."""

    id: str
    shortcut: str
    text: str
    phone_number_id: str | None


class Rate(TypedDict):
    """How many messages, and how many a minute."""

    messages: int
    per_minute: float


class Sends(TypedDict):
    """Tries at sending by how they ended, and messages that Meta later reported as failed."""

    accepted: int
    refused: int
    unknown: int
    failed: int
    error_rate: float | None
    """Refused and failed among all tries."""


class Latency(TypedDict):
    """How long something took, in seconds; null when it never happened."""

    times: int
    average: float | None
    longest: float | None
    p50: float | None
    """The median."""
    p99: float | None
    """Of a hundred, one took longer."""


class Price(TypedDict):
    """Messages of one number, UTC day and category of Meta's, each counted once."""

    phone_number_id: str
    day: str
    category: str
    billable: int
    free: int


class FreeService(TypedDict):
    """How many of a month's free service messages a number has used; Meta's own month has its account's time zone."""

    phone_number_id: str
    month: str
    used: int
    of: int


class ApiUsage(TypedDict):
    """How much of Graph's quota an app, or calls of one kind to one account, had used when Graph last said so."""

    app: str
    waba_id: str
    """Empty for what the app may do in all."""
    kind: str
    call_count: int
    total_cputime: int
    total_time: int
    minutes_to_wait: int
    """Until Graph takes calls again."""
    seen_at: str


class StatsAnswer(TypedDict):
    """What came and went from `since` to `until`, moved apart to whole minutes, of a longer time to hours."""

    since: str
    until: str
    inbound: Rate
    outbound: Rate
    sends: Sends
    webhook_to_processed: Latency
    webhook_to_app: Latency
    """Until one of your apps accepted the event; without replays."""
    send: Latency
    pricing: list[Price]
    free_service: list[FreeService]
    api_usage: list[ApiUsage]


class Quantiles(TypedDict):
    """How long something took, in seconds; null when it never happened."""

    times: int
    p50: float | None
    p99: float | None


class PointAnswer(TypedDict):
    """What happened in one minute, hour or day of UTC; messages in both directions, and attempts by how they ended."""

    at: str
    """When it began."""
    inbound: int
    outbound: int
    refused: int
    unknown: int
    failed: int
    """Messages that Meta reported as failed."""
    error_rate: float | None
    delivered: int
    """Events that your apps accepted."""
    undelivered: int
    """Tries that they did not accept."""
    bad_signatures: int
    """Webhooks refused for their signature."""
    webhook_to_processed: Quantiles
    webhook_to_app: Quantiles
    send: Quantiles


class TemplateAnswer(TypedDict):
    """A template that Meta has approved."""

    name: str
    language: str
    category: str
    text: str
    """Its body, with `{{…}}` where it is filled."""
    parameters: list[str]
    """What it must be filled with, in order: `body.1`, `header.image`, …"""
    components: list[dict[str, Any]]
    """Its parts, as Meta documents them."""


Event = (
    ReceivedEvent
    | SentEvent
    | StatusEvent
    | RevisionEvent
    | ContactEvent
    | PreferenceEvent
    | AlertEvent
    | ChangeEvent
)
"""Something that happened, by its `type`."""
