"""The kinds of alerts, each with a description and a remedy in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.words import N_


@dataclass(frozen=True, slots=True)
class AlertKind:
    """A kind of alert. `what` and `remedy` are whole sentences; `{subject}` in `what` is replaced."""

    what: str
    remedy: str


KINDS: dict[str, AlertKind] = {
    "token_dead": AlertKind(
        N_("Meta refuses the access token of number {subject}; nothing is sent."),
        N_("Make a new system user's token and put it in place (WHATSAPP_ACCESS_TOKEN, or flask numbers add …"
           " --token)."),
    ),
    "token_expiring": AlertKind(
        N_("The access token of number {subject} is about to expire, or no longer valid."),
        N_("Make a system user's token that does not expire, and put it in place before sends fail."),
    ),
    "number_paused": AlertKind(
        N_("Number {subject} sends nothing at the moment, or no campaigns."),
        N_("See the details for Meta's reason, put it right in the WhatsApp manager, then resume."),
    ),
    "quality_low": AlertKind(
        N_("Meta flagged number {subject} for low quality."),
        N_("Stop campaigns that people block or report; a number that stays flagged is limited."),
    ),
    "limit_lowered": AlertKind(
        N_("Meta lowered how many people {subject} may write to."),
        N_("Send less outside of conversations until Meta raises the limit again."),
    ),
    "account_restricted": AlertKind(
        N_("Meta restricted or removed the business account: {subject}."),
        N_("Read Meta's reason in the business manager, and appeal there if it is wrong."),
    ),
    "account_alert": AlertKind(
        N_("Meta warns about the business account: {subject}."),
        N_("Open the business manager; it says what Meta wants to be done."),
    ),
    "template_paused": AlertKind(
        N_("Meta paused or disabled the template {subject}; sends that use it fail."),
        N_("Use another template, or edit this one and have it approved again."),
    ),
    "template_warned": AlertKind(
        N_("Meta rejected the template {subject}, or is about to pause it."),
        N_("See the details; edit it and have it reviewed again, or send what people want, before sends with it fail."),
    ),
    "template_dearer": AlertKind(
        N_("Meta counts the template {subject} as marketing; each use costs more, and who wants none is not sent it."),
        N_("Take what sells something out of it, or ask for a review of its category within 60 days."),
    ),
    "price_changed": AlertKind(
        N_("What Meta charges changes: {subject}."),
        N_("Read the new rates in the WhatsApp manager; for authentication abroad other rates apply from now on."),
    ),
    "review_failed": AlertKind(
        N_("Meta did not approve the business account: {subject}."),
        N_("Read why in the business manager, put it right, and ask for another review."),
    ),
    "name_refused": AlertKind(
        N_("Meta refused the display name of number {subject}."),
        N_("See the details for the reason and choose another in the WhatsApp manager; the old one stays meanwhile."),
    ),
    "username_lost": AlertKind(
        N_("The business has lost its {subject} on WhatsApp; people no longer find it by that."),
        N_("Claim it again, or choose another, in the WhatsApp manager."),
    ),
    "pin_changed": AlertKind(
        N_("The PIN of number {subject} was changed, or somebody asked for that."),
        N_("If it was none of you, set a new PIN and look at who may administer the account."),
    ),
    "flow_failing": AlertKind(
        N_("Flow {subject} is failing, or blocked by Meta."),
        N_("Look at the flow's endpoint and its log; Meta stops a flow that keeps failing."),
    ),
    "worker_behind": AlertKind(
        N_("Webhooks have waited for more than a minute to be processed."),
        N_("Look at the worker's log and the machine's load; start more workers if there is simply too much."),
    ),
    "disk_full": AlertKind(
        N_("The disk that holds {subject} is more than 80 percent full."),
        N_("Free space or enlarge it: on a full disk webhooks are refused until there is room."),
    ),
    "database_unwritable": AlertKind(
        N_("Nothing can be written to the database: webhooks are refused, and nothing is sent or delivered."),
        N_("See the reason; /readyz has it too. Meta sends its webhooks again for days."),
    ),
    "media_failing": AlertKind(
        N_("Files that customers sent cannot be fetched from Meta."),
        N_("See the details and /api/media?state=pending for the reasons. Meta deletes them after seven days: check"
           " the number's token, the way out to lookaside.fbsbx.com, and the room in MEDIA_DIR or the bucket."),
    ),
    "wal_grows": AlertKind(
        N_("The database's log (the file that ends in -wal) grows, because some program keeps reading an old state."),
        N_("Find it with fuser -v on the database's file, and end it: a shell or a copy that was left open."),
    ),
    "broker_away": AlertKind(
        N_("The broker does not answer. Work goes on: the workers look for it in the database by themselves."),
        N_("Start it again, or correct BROKER_URL. Nothing is lost with it, not even if it comes back empty."),
    ),
    "books_unbalanced": AlertKind(
        N_("The nightly audit found rows that do not agree with what was acknowledged."),
        N_("Run flask audit balance: it names them. Keep the log of that day; please report it, this is a fault of"
           " ours."),
    ),
    "work_failing": AlertKind(
        N_("A worker's work fails at every try: {subject}."),
        N_("Look at its log for the error, and restart the worker. If it goes on, report it: it is a bug. Nothing is"
           " lost meanwhile; other work goes on."),
    ),
    "work_stuck": AlertKind(
        N_("Work does not move, though a worker is alive: {subject}."),
        N_("Look at the worker's log, and at what is between it and the database: a pooler, a transaction that"
           " somebody left open. Restart the worker; nothing is lost meanwhile. flask audit balance says what waits."),
    ),
    "backup_late": AlertKind(
        N_("No snapshot was written for two of its periods (BACKUP_EVERY_HOURS)."),
        N_("See the worker's log for the reason: most often BACKUP_DIR is full, or may not be written to."),
    ),
    "storage_limit": AlertKind(
        N_("The database has reached 80 percent of STORAGE_LIMIT_MB."),
        N_("Keep less, or raise the limit."),
    ),
    "unknown_number": AlertKind(
        N_("Messages come in for number {subject}, which nobody configured."),
        N_("Add it with flask numbers add, or take it out of the app's subscriptions at Meta."),
    ),
    "quarantined": AlertKind(
        N_("Webhooks were quarantined: their signer may not speak for the number they are about."),
        N_("See /api/notifications?state=quarantined. Check which app each number belongs to (flask numbers list)."),
    ),
    "parked": AlertKind(
        N_("Webhooks were parked: some item in them could not be read or stored."),
        N_("See /api/notifications?state=parked for the reasons; after an upgrade run flask notifications replay."),
    ),
    "sends_held": AlertKind(
        N_("Sends are held: Meta never said what became of them."),
        N_("See /api/messages?status=held and decide for each whether it went; flask sends decides for many."),
    ),
    "meta_unreachable": AlertKind(
        N_("Meta gives no clear answers about number {subject}; its sends wait."),
        N_("Look at metastatus.com, the way out to graph.facebook.com and GRAPH_PROXY. It goes on by itself."),
    ),
    "queue_stuck": AlertKind(
        N_("The sends of number {subject} have not moved for five minutes, though some are due."),
        N_("Look at the worker's log for the process that sends, and restart it; add a number that was removed again."),
    ),
    "replies_expired": AlertKind(
        N_("Answers to customers of number {subject} expired before they could be sent."),
        N_("See /api/messages?status=expired; other open alerts say what was in the way. Write to those customers."),
    ),
    "not_permitted": AlertKind(
        N_("Meta refuses sends of number {subject}, because its token lacks a permission."),
        N_("Give the token's system user the number's account and whatsapp_business_messaging, then flask sends"
           " retry."),
    ),
    "sends_held_unsent": AlertKind(
        N_("Sends are held that certainly did not go out: their token was refused, or somebody held them."),
        N_("Look with flask sends list; then flask sends release sends them, flask sends cancel gives them up."),
    ),
    "database_restored": AlertKind(
        N_("The database had been out of use, as after a restore; what waited is held, since it may have gone."),
        N_("Meta's reports release what went. For the rest see flask sends list, then flask sends release or cancel."),
    ),
    "graph_version": AlertKind(
        N_("Version {subject} of Meta's Graph API expires soon, or has expired."),
        N_("Upgrade the gateway, or set GRAPH_API_VERSION to a newer one."),
    ),
    "graph_circle": AlertKind(
        N_("Calls to Meta end at this gateway itself: {subject} is directed here."),
        N_("Remove the hosts entry (or extra_hosts, or DNS record) from the gateway's own machine or container:"
           " only the application that calls the gateway by that name may have it."),
    ),
    "graph_certificate": AlertKind(
        N_("The certificate for {subject}, by which applications call this gateway, is about to end, or has ended."),
        N_("Run flask graph certificate, then reload the TLS server in front that shows it."),
    ),
    "signature_refused": AlertKind(
        N_("All webhooks for number {subject} are refused: none of the app secrets signed them."),
        N_("Compare WHATSAPP_APP_SECRET (or the number's own secret) with App settings, Basic at Meta: it may be"
           " reset there, is another app's, or was cut when copied. A proxy that changes bodies breaks signatures,"
           " too (flask verify looks at a captured request); and if nobody at Meta posts, a stranger does."),
    ),
    "encryption_key": AlertKind(
        N_("Stored tokens and secrets cannot be decrypted: ENCRYPTION_KEY is not the one that encrypted them."),
        N_("Put the old key back, behind the new one if there is a new one (new,old), and restart. If it is lost,"
           " store tokens and secrets anew: flask numbers add … --token --secret, and rotate the endpoints' secrets."),
    ),
    "silence": AlertKind(
        N_("Meta tells nothing of number {subject}, though it should; probably webhooks do not reach the gateway."),
        N_("Check the callback URL, its certificate, and the app's subscription to the business account."),
    ),
    "handlers_broken": AlertKind(
        N_("The Python handlers in {subject} cannot be loaded; their events wait."),
        N_("Run flask handlers check for the reason and put it right. Loading is tried again every minute."),
    ),
    "endpoint_failing": AlertKind(
        N_("Endpoint {subject} takes no events; they are kept and tried again."),
        N_("Look at the app or the handler behind it; /api/deliveries has its answers; flask endpoints test tries"
           " it now. The alert ends with the first event that it takes."),
    ),
    "clock_wrong": AlertKind(
        N_("The clock of {subject} differs from the database's by more than two seconds; the database's is gone by."),
        N_("Set the clock of whichever is wrong by NTP. With more than a minute the worker there takes no work."),
    ),
    "settings_unequal": AlertKind(
        N_("Processes on this database have unequal settings: {subject}."),
        N_("Give all of them the same .env and restart the wrong one. Until then endpoint and handlers are as the"
           " worker says that started first, and the stricter limit of sending holds."),
    ),
    "endpoint_changed": AlertKind(
        N_("The endpoint that FORWARD_URL names was {subject}."),
        N_("If nobody meant that, look at the .env of the worker that did it (see the details); replay what was"
           " missed."),
    ),
    "worker_refused": AlertKind(
        N_("A worker on {subject} was refused: its ENCRYPTION_KEY is not that of the workers on this database."),
        N_("Give it the same ENCRYPTION_KEY as the others, or another DATABASE_URL, and start it again."),
    ),
    "deliveries_stuck": AlertKind(
        N_("Events for endpoint {subject} are claimed by a worker that does nothing with them."),
        N_("Restart the worker: what it has in hand is tried by another within half a minute. And report it: it is"
           " a bug."),
    ),
    "endpoint_disabled": AlertKind(
        N_("Endpoint {subject} was switched off after failing for too long; its events are kept."),
        N_("Put the app right, switch the endpoint on again, and replay what it missed."),
    ),
}
"""The kinds of alerts by name. A test fails if docs/operating.md does not explain one of them."""

_WAMID = re.compile(r"wamid\.[A-Za-z0-9+/=_-]+")  # a wamid contains a customer's number

LABELS = {"raised": "ALERT", "repeated": "STILL", "closed": "OVER"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong now. `details` are facts for a person, without secrets, customers' numbers or texts.

    With `known` False it could not be checked, so it neither raises nor closes an alert.
    """

    subject: str = ""
    phone_number_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    known: bool = True


def describe(kind: str, subject: str) -> str:
    """Return what is wrong, as one sentence."""
    known = KINDS.get(kind)
    return known.what.format(subject=subject) if known else f"{kind} {subject}".strip()


def alert_text(action: str, kind: str, subject: str, since: datetime, details: dict[str, Any]) -> str:
    """Return the text of a notification: one line, and a second one with the remedy unless the alert is over."""
    facts = "".join(f" · {name}: {value}" for name, value in details.items() if value not in (None, "", []))
    facts = _WAMID.sub("[wamid]", facts)
    line = f"{LABELS[action]} {describe(kind, subject)} (since {since:%Y-%m-%d %H:%M} UTC{facts})"
    known = KINDS.get(kind)
    return line if action == "closed" or known is None else f"{line}\n{known.remedy}"
