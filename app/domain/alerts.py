"""What can go wrong that a person must know: each kind in plain words, with what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of alarm. `{subject}` in `what` is filled in; both are whole sentences."""

    what: str
    remedy: str


KINDS: dict[str, Kind] = {
    "token_dead": Kind(
        "Meta refuses the access token of number {subject}; nothing is sent.",
        "Make a new system user's token and put it in place (WHATSAPP_ACCESS_TOKEN, or flask numbers add … --token).",
    ),
    "token_expiring": Kind(
        "The access token of number {subject} is about to expire, or no longer valid.",
        "Make a system user's token that does not expire, and put it in place before sends fail.",
    ),
    "number_paused": Kind(
        "Number {subject} sends nothing at the moment, or no campaigns.",
        "See the details for Meta's reason, put it right in the WhatsApp manager, then resume.",
    ),
    "quality_low": Kind(
        "Meta flagged number {subject} for low quality.",
        "Stop campaigns that people block or report; a number that stays flagged is limited.",
    ),
    "limit_lowered": Kind(
        "Meta lowered how many people {subject} may write to.",
        "Send less outside of conversations until Meta raises the limit again.",
    ),
    "account_restricted": Kind(
        "Meta restricted or removed the business account: {subject}.",
        "Read Meta's reason in the business manager, and appeal there if it is wrong.",
    ),
    "account_alert": Kind(
        "Meta warns about the business account: {subject}.",
        "Open the business manager; it says what Meta wants to be done.",
    ),
    "template_paused": Kind(
        "Meta paused or disabled the template {subject}; sends that use it fail.",
        "Use another template, or edit this one and have it approved again.",
    ),
    "template_warned": Kind(
        "Meta rejected the template {subject}, or is about to pause it.",
        "See the details; edit it and have it reviewed again, or send what people want, before sends with it fail.",
    ),
    "template_dearer": Kind(
        "Meta counts the template {subject} as marketing; each use costs more, and who wants none is not sent it.",
        "Take what sells something out of it, or ask for a review of its category within 60 days.",
    ),
    "price_changed": Kind(
        "What Meta charges changes: {subject}.",
        "Read the new rates in the WhatsApp manager; for authentication abroad other rates apply from now on.",
    ),
    "review_failed": Kind(
        "Meta did not approve the business account: {subject}.",
        "Read why in the business manager, put it right, and ask for another review.",
    ),
    "name_refused": Kind(
        "Meta refused the display name of number {subject}.",
        "See the details for the reason and choose another in the WhatsApp manager; the old one stays meanwhile.",
    ),
    "username_lost": Kind(
        "The business has lost its {subject} on WhatsApp; people no longer find it by that.",
        "Claim it again, or choose another, in the WhatsApp manager.",
    ),
    "pin_changed": Kind(
        "The PIN of number {subject} was changed, or somebody asked for that.",
        "If it was none of you, set a new PIN and look at who may administer the account.",
    ),
    "flow_failing": Kind(
        "Flow {subject} is failing, or blocked by Meta.",
        "Look at the flow's endpoint and its log; Meta stops a flow that keeps failing.",
    ),
    "worker_behind": Kind(
        "Webhooks have waited for more than a minute to be processed.",
        "Look at the worker's log and the machine's load; start more workers if there is simply too much.",
    ),
    "disk_full": Kind(
        "The disk that holds {subject} is more than 80 % full.",
        "Free space or enlarge it: on a full disk webhooks are refused until there is room.",
    ),
    "database_unwritable": Kind(
        "Nothing can be written to the database: webhooks are refused, and nothing is sent or delivered.",
        "See the reason; /readyz has it too. Meta sends its webhooks again for days.",
    ),
    "wal_grows": Kind(
        "The database's log (the file that ends in -wal) grows, because some program keeps reading an old state.",
        "Find it with fuser -v on the database's file, and end it: a shell or a copy that was left open.",
    ),
    "storage_limit": Kind(
        "The database has reached 80 % of STORAGE_LIMIT_MB.",
        "Keep less, or raise the limit.",
    ),
    "unknown_number": Kind(
        "Messages come in for number {subject}, which nobody configured.",
        "Add it with flask numbers add, or take it out of the app's subscriptions at Meta.",
    ),
    "quarantined": Kind(
        "Webhooks were quarantined: their signer may not speak for the number they are about.",
        "See /api/notifications?state=quarantined. Check which app each number belongs to (flask numbers list).",
    ),
    "parked": Kind(
        "Webhooks were parked: some item in them could not be read or stored.",
        "See /api/notifications?state=parked for the reasons; after an upgrade run flask notifications replay.",
    ),
    "sends_held": Kind(
        "Sends are held: Meta never said what became of them.",
        "See /api/messages?status=held and decide for each whether it went; flask sends decides for many.",
    ),
    "meta_unreachable": Kind(
        "Meta gives no clear answers about number {subject}; its sends wait.",
        "Look at metastatus.com, the way out to graph.facebook.com and GRAPH_PROXY. It goes on by itself.",
    ),
    "queue_stuck": Kind(
        "The sends of number {subject} have not moved for five minutes, though some are due.",
        "Look at the worker's log for the process that sends, and restart it; add a number that was removed again.",
    ),
    "replies_expired": Kind(
        "Answers to customers of number {subject} expired before they could be sent.",
        "See /api/messages?status=expired; other open alarms say what was in the way. Write to those customers.",
    ),
    "not_permitted": Kind(
        "Meta refuses sends of number {subject}, because its token lacks a permission.",
        "Give the token's system user the number's account and whatsapp_business_messaging, then flask sends retry.",
    ),
    "sends_held_unsent": Kind(
        "Sends are held that certainly did not go out: their token was refused, or somebody held them.",
        "Look with flask sends list; then flask sends release sends them, flask sends cancel gives them up.",
    ),
    "database_restored": Kind(
        "The database had been out of use, as after a restore; what waited is held, since it may have gone.",
        "Meta's reports release what went. For the rest see flask sends list, then flask sends release or cancel.",
    ),
    "graph_version": Kind(
        "Version {subject} of Meta's Graph API expires soon, or has expired.",
        "Upgrade the gateway, or set GRAPH_API_VERSION to a newer one.",
    ),
    "graph_circle": Kind(
        "Calls to Meta end at this gateway itself: {subject} is directed here.",
        "Remove the hosts entry (or extra_hosts, or DNS record) from the gateway's own machine or container: only the"
        " application that calls the gateway by that name may have it.",
    ),
    "graph_certificate": Kind(
        "The certificate for {subject}, by which applications call this gateway, is about to end, or has ended.",
        "Run flask graph certificate, then reload the TLS server in front that shows it.",
    ),
    "signature_refused": Kind(
        "All webhooks for number {subject} are refused: none of the app secrets signed them.",
        "Compare WHATSAPP_APP_SECRET (or the number's own secret) with App settings, Basic at Meta: it may be reset"
        " there, is another app's, or was cut when copied. A proxy that changes bodies breaks signatures, too (flask"
        " verify looks at a captured request); and if nobody at Meta posts, a stranger does.",
    ),
    "encryption_key": Kind(
        "Stored tokens and secrets cannot be decrypted: ENCRYPTION_KEY is not the one that encrypted them.",
        "Put the old key back, behind the new one if there is a new one (new,old), and restart. If it is lost, store"
        " tokens and secrets anew: flask numbers add … --token --secret, and rotate the endpoints' secrets.",
    ),
    "silence": Kind(
        "Meta tells nothing of number {subject}, though it should; probably webhooks do not reach the gateway.",
        "Check the callback URL, its certificate, and the app's subscription to the business account.",
    ),
    "handlers_broken": Kind(
        "The Python handlers in {subject} cannot be loaded; their events wait.",
        "Run flask handlers check for the reason and put it right. Loading is tried again every minute.",
    ),
    "endpoint_failing": Kind(
        "Endpoint {subject} takes no events; they are kept and tried again.",
        "Look at the app or the handler behind it; /api/deliveries has its answers; flask endpoints test tries it now."
        " The alarm ends with the first event that it takes.",
    ),
    "clock_wrong": Kind(
        "The clock of {subject} differs from the database's by more than two seconds; the database's is gone by.",
        "Set the clock of whichever is wrong by NTP. With more than a minute the worker there takes no work.",
    ),
    "settings_unequal": Kind(
        "Processes on this database have unequal settings: {subject}.",
        "Give all of them the same .env and restart the wrong one. Until then endpoint and handlers are as the worker"
        " says that started first, and the stricter limit of sending holds.",
    ),
    "endpoint_changed": Kind(
        "The endpoint that FORWARD_URL names was {subject}.",
        "If nobody meant that, look at the .env of the worker that did it (see the details); replay what was missed.",
    ),
    "worker_refused": Kind(
        "A worker on {subject} was refused: its ENCRYPTION_KEY is not that of the workers on this database.",
        "Give it the same ENCRYPTION_KEY as the others, or another DATABASE_URL, and start it again.",
    ),
    "deliveries_stuck": Kind(
        "Events for endpoint {subject} are claimed by a worker that does nothing with them.",
        "Restart the worker: what it has in hand is tried by another within half a minute. And report it: it is a bug.",
    ),
    "endpoint_disabled": Kind(
        "Endpoint {subject} was switched off after failing for too long; its events are kept.",
        "Put the app right, switch the endpoint on again, and replay what it missed.",
    ),
}
"""By name. A kind that docs/operating.md does not explain fails the tests."""

_WAMID = re.compile(r"wamid\.[A-Za-z0-9+/=_-]+")  # there is a customer's number inside

MARKS = {"raised": "ALARM", "repeated": "STILL", "closed": "OVER"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong now. `details` hold facts for a person: no secret, no customer's number, no text.

    One that is not `known` is no alarm, and no end of one: nobody can tell now whether it is so.
    """

    subject: str = ""
    phone_number_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    known: bool = True


def sentence(kind: str, subject: str) -> str:
    """What is wrong, as one sentence."""
    known = KINDS.get(kind)
    return known.what.format(subject=subject) if known else f"{kind} {subject}".strip()


def story(action: str, kind: str, subject: str, since: datetime, details: dict[str, Any]) -> str:
    """What a person is told: one line, and for what goes on a second one with what to do."""
    facts = "".join(f" · {name}: {value}" for name, value in details.items() if value not in (None, "", []))
    facts = _WAMID.sub("[wamid]", facts)
    line = f"{MARKS[action]} {sentence(kind, subject)} (since {since:%Y-%m-%d %H:%M} UTC{facts})"
    known = KINDS.get(kind)
    return line if action == "closed" or known is None else f"{line}\n{known.remedy}"
