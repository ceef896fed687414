"""What happened to a message, in plain words of the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from app.services.messages import Happening
from app.web.inbox.house import words
from app.web.inbox.rendering.failures import explain

GOOD, BAD, WARN, PLAIN = "good", "bad", "warn", "plain"


@dataclass(slots=True)
class Step:
    """One line of the story: when, what, how it looks, what to do about it, and what it is about.

    `after` is the time since the line before, as text; empty if it was less than a millisecond.
    """

    at: datetime
    text: str
    look: str = PLAIN
    notes: list[str] = field(default_factory=list)
    advice: str = ""
    after: str = ""
    due_at: datetime | None = None
    notification_id: str | None = None
    event_id: str | None = None
    delivery_id: int | None = None
    may_retry: bool = False
    may_replay: bool = False


def tell(happenings: Iterable[Happening], endpoints: Mapping[str, str]) -> list[Step]:
    """Return the story, oldest first. `endpoints` are the names of the team's apps by id."""
    steps: list[Step] = []
    for each in happenings:
        step = _TELLERS[each.what](each, endpoints) if each.what in _TELLERS else Step(each.at, each.what)
        step.notification_id, step.event_id, step.delivery_id = each.notification_id, each.event_id, each.delivery_id
        if steps and (passed := (step.at - steps[-1].at).total_seconds()) >= 0.001:
            step.after = words.duration(passed)
        steps.append(step)
    return steps


def status_words(status: str) -> str:
    """Return a message's status as people say it; an unknown one as it is."""
    known: dict[str, str] = {
        "received": _("received"), "queued": _("queued"), "sending": _("being sent"), "accepted": _("taken by Meta"),
        "sent": _("sent"), "delivered": _("delivered"), "read": _("read"), "played": _("played"),
        "failed": _("failed"), "unknown": _("unknown"), "held": _("held"), "cancelled": _("cancelled"),
        "expired": _("expired"),
    }  # fmt: skip
    return known.get(status, status)


def _received(each: Happening, _endpoints: Mapping[str, str]) -> Step:
    text = _("Meta’s webhook came in; its signature was right, and its bytes were stored.")
    notes = [_("Signed by the Meta app: %(app)s", app=each.app)] if each.app else []
    if each.timestamp is not None:
        late = (each.at - each.timestamp).total_seconds()
        if late >= 60:
            notes.append(_("Meta was late: the customer wrote %(time)s earlier.", time=words.duration(late)))
    return Step(each.at, text, GOOD, notes)


def _processed(each: Happening, _endpoints: Mapping[str, str]) -> Step:
    return Step(each.at, _("The webhook was read: it became this message."), GOOD)


def _asked(each: Happening, _endpoints: Mapping[str, str]) -> Step:
    return Step(each.at, _("It was asked for, checked and stored."), GOOD)


def _attempt_started(each: Happening, _endpoints: Mapping[str, str]) -> Step:
    return Step(each.at, _("Attempt %(number)s: it is handed to Meta.", number=each.attempt))


def _attempt_finished(each: Happening, _endpoints: Mapping[str, str]) -> Step:
    number = each.attempt
    if each.status == "accepted":
        return Step(each.at, _("Attempt %(number)s: Meta took it.", number=number), GOOD, _wamid(each))
    if each.status == "unknown":
        text = _("Attempt %(number)s: no clear answer came. It may have gone out.", number=number)
        advice = _("A report of Meta’s resolves it; else a person decides.")
        return Step(each.at, text, WARN, _error(each.error), advice)
    step = Step(each.at, _("Attempt %(number)s: Meta refused it.", number=number), BAD)
    return _explained(step, each.error)


def _status(each: Happening, _endpoints: Mapping[str, str]) -> Step:
    if each.status == "failed":
        return _explained(Step(each.at, _("Meta reported that it failed."), BAD), each.error)
    told = {
        "sent": _("Meta reported that it was sent."),
        "delivered": _("It arrived on the customer’s phone."),
        "read": _("The customer read it."),
        "played": _("The customer listened to it."),
    }
    text = told.get(each.status or "") or _("Meta reported: %(status)s", status=each.status)
    notes = []
    if each.timestamp is not None and (each.at - each.timestamp).total_seconds() >= 60:
        late = words.duration((each.at - each.timestamp).total_seconds())
        notes.append(_("That was %(time)s before the report came.", time=late))
    if each.pricing and each.pricing.get("category"):
        notes.append(_("Category of its price: %(category)s", category=str(each.pricing["category"])[:80]))
    return Step(each.at, text, GOOD, notes)


def _edited(each: Happening, _endpoints: Mapping[str, str]) -> Step:
    return Step(each.at, _("The customer changed it."), PLAIN, _previous(each))


def _revoked(each: Happening, _endpoints: Mapping[str, str]) -> Step:
    return Step(each.at, _("The customer deleted it."), WARN, _previous(each))


def _event(each: Happening, _endpoints: Mapping[str, str]) -> Step:
    step = Step(each.at, _("An event was written for your apps: %(type)s", type=each.type))
    step.may_replay = True
    return step


def _delivery_attempt(each: Happening, endpoints: Mapping[str, str]) -> Step:
    app, number = _app(each, endpoints), each.attempt
    took = words.duration((each.duration_ms or 0) / 1000)
    if each.status == "delivered":
        text = _("%(app)s accepted the event (try %(number)s, %(time)s).", app=app, number=number, time=took)
        return Step(each.at, text, GOOD, [each.note] if each.note else [])
    text = _("%(app)s did not accept the event (try %(number)s, %(time)s).", app=app, number=number, time=took)
    advice = _("It is tried again by itself. If it goes on, look at the app’s log, or test the endpoint.")
    step = Step(each.at, text, BAD, _error(each.error), advice)
    step.may_retry = True
    return step


def _delivery(each: Happening, endpoints: Mapping[str, str]) -> Step:
    app = _app(each, endpoints)
    if each.status == "pending":
        step = Step(each.at, _("The event is owed to %(app)s.", app=app), PLAIN, _error(each.error), due_at=each.due_at)
    elif each.status == "dead":
        advice = _("Put the app right, then try it again.")
        step = Step(each.at, _("The event for %(app)s was given up.", app=app), BAD, _error(each.error), advice)
    else:
        step = Step(each.at, _("The event for %(app)s was not delivered.", app=app), WARN, _error(each.error))
    step.may_retry = True
    return step


def _app(each: Happening, endpoints: Mapping[str, str]) -> str:
    return endpoints.get(each.endpoint_id or "") or _("a removed app")


def _explained(step: Step, error: dict[str, Any] | None) -> Step:
    failure = explain("failed", error)
    if failure is not None:
        step.notes = [failure.what, *_error(error)]
        step.advice = failure.remedy
    return step


def _error(error: dict[str, Any] | None) -> list[str]:
    """Return what an error says of itself: code, HTTP status, title and details, shortened."""
    if not error:
        return []
    said = [
        *([_("Meta’s code %(code)s", code=error["code"])] if error.get("code") is not None else []),
        *([f"HTTP {error['http_status']}"] if error.get("http_status") else []),
        *(str(error[name])[:500] for name in ("title", "message", "details") if error.get(name)),
    ]
    return [" · ".join(dict.fromkeys(said))] if said else []


def _previous(each: Happening) -> list[str]:
    return [_("It said before: %(text)s", text=each.previous[:500])] if each.previous else []


def _wamid(each: Happening) -> list[str]:
    return [_("Meta’s id: %(id)s", id=each.message_id)] if each.message_id else []


_TELLERS = {
    "received": _received, "processed": _processed, "asked": _asked, "attempt_started": _attempt_started,
    "attempt_finished": _attempt_finished, "status": _status, "edited": _edited, "revoked": _revoked,
    "event": _event, "delivery_attempt": _delivery_attempt, "delivery": _delivery,
}  # fmt: skip
