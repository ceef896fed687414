"""Why a message did not arrive and what to do about it, in the reader's language and without Meta's words.

`app.graph.codes` says the same to developers. Here a code that a person at the inbox can do something about gets words
of its own, and all others get those of their class.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from app.graph.codes import ErrorClass, meaning
from app.web.inbox.rendering.parts import Failure
from app.web.inbox.rendering.values import text

_Words = tuple[Any, Any]

_LATER = _("Try again in a few minutes.")
_ADMIN = _("Ask an administrator of this inbox to look into it.")
_TEMPLATE = _("Choose another template, or check what you filled in.")
_OTHER_WAY = _("Reach the customer in another way.")

_CODES: dict[int, _Words] = {
    130403: (_("You have blocked this customer."), _("Unblock the customer first.")),
    130472: (_("Meta withholds marketing messages from this customer."), _("Wait until the customer writes to you.")),
    130497: (_("Your business may not write to people in this country."), _OTHER_WAY),
    131021: (_("This is your own number."), _("Choose another recipient.")),
    131026: (
        _("WhatsApp could not deliver it: the customer may have blocked you, or has no WhatsApp or an old version."),
        _OTHER_WAY,
    ),
    131030: (_("Meta's test number may not write to this customer."), _ADMIN),
    131047: (
        _("More than 24 hours have passed since the customer last wrote."),
        _("Send a template. When the customer answers, you can write freely again."),
    ),
    131048: (_("WhatsApp limits your number because customers blocked or reported it."), _ADMIN),
    131049: (
        _("WhatsApp held this marketing message back, so that the customer does not get too many."),
        _("Do not send it again today."),
    ),
    131050: (_("The customer does not want marketing messages from you."), _("Send no marketing to this customer.")),
    131051: (_("WhatsApp does not know this kind of message."), _("Send it in another form.")),
    131052: (_("The file could not be read, or is too large."), _("Send a smaller file, or another format.")),
    131053: (
        _("WhatsApp did not take the file: its format or its size."),
        _("Send pictures as JPEG or PNG up to 5 MB, videos as MP4 up to 16 MB, documents up to 100 MB."),
    ),
    131056: (_("Too many messages to this customer in a short time."), _("Wait a minute, then try again.")),
    137000: (_("The customer's WhatsApp was set up anew."), _("Make sure that you write to the right person.")),
    132005: (_("The template is too long with what you filled in."), _("Shorten what you filled in.")),
    132015: (_("WhatsApp paused this template, because customers did not like it."), _TEMPLATE),
    132016: (_("WhatsApp switched this template off for good."), _TEMPLATE),
}

_CLASSES: dict[ErrorClass, _Words] = {
    ErrorClass.RETRY: (_("Something went wrong at WhatsApp."), _LATER),
    ErrorClass.RATE_NUM: (_("Your number sends faster than WhatsApp allows."), _LATER),
    ErrorClass.RATE_PAIR: (_("Too many messages to this customer in a short time."), _LATER),
    ErrorClass.RATE_APP: (_("WhatsApp asks for a pause."), _LATER),
    ErrorClass.STOP_NUM: (_("WhatsApp has restricted your account."), _ADMIN),
    ErrorClass.AUTH: (_("The connection to WhatsApp has lost its access."), _ADMIN),
    ErrorClass.PERMISSION: (_("The connection to WhatsApp lacks a permission."), _ADMIN),
    ErrorClass.WINDOW: _CODES[131047],
    ErrorClass.USER: (_("WhatsApp could not deliver it to this customer."), _OTHER_WAY),
    ErrorClass.REQ: (_("WhatsApp refused the message as it is."), _("Change it and send it anew.")),
    ErrorClass.TPL: (_("WhatsApp refused the template."), _TEMPLATE),
    ErrorClass.SETUP: (_("Your number is not set up completely at WhatsApp."), _ADMIN),
}

_HELD: dict[str, _Words] = {
    "unknown": (
        _("Nobody knows whether it went out: WhatsApp's answer never came."),
        _("Ask the customer, or look at their answer. Then send it again, or mark it as sent."),
    ),
    "unlikely": (_("It hardly went out: WhatsApp could not be reached."), _("Send it again, or wait a little.")),
    "token": (
        _("It did not go out: the connection to WhatsApp was without access for a while."),
        _("Send it again if it still makes sense."),
    ),
    "restored": (
        _("The inbox was restored from a copy, so the message may have gone out already."),
        _("Ask the customer, or look at their answer. Then send it again, or mark it as sent."),
    ),
    "asked": (_("An administrator stopped all waiting messages."), _("Send it again if it still makes sense.")),
}

_STATUSES: dict[str, _Words] = {
    "expired": (_("Its time was over before its turn came; it did not go out."), _("Send it again.")),
    "cancelled": (_("It was cancelled before it went out."), ""),
    "unknown": (
        _("WhatsApp has not confirmed it yet. It is probably out."),
        _("Wait a little: it is checked by itself, and never sent twice."),
    ),
}
_FALLBACK: _Words = (_("WhatsApp did not accept the message."), _LATER)


def explain(status: str, error: Any) -> Failure | None:
    """Return why a message of this status did not arrive; None for a status that is no trouble."""
    if status not in ("failed", "held", "expired", "cancelled", "unknown"):
        return None
    code = _code(error)
    what, remedy = _words(status, error, code)
    details = text(error, "details") or text(error, "title") if code else ""
    return Failure(str(what), str(remedy), str(code or ""), details[:500])


def _words(status: str, error: Any, code: int | None) -> _Words:
    if status == "held":
        return _HELD.get(text(error, "details").removeprefix("held: "), _HELD["unknown"])
    if status in _STATUSES:
        return _STATUSES[status]
    if code in _CODES:
        return _CODES[code]
    known = meaning(code)
    return _CLASSES[known.error_class] if known else _FALLBACK


def _code(error: Any) -> int | None:
    written = text(error, "code")
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else None
