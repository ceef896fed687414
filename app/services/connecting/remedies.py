"""What to do about each refusal of Meta's on the way to a connected number.

Source: Meta, support/error-codes, and the pages of each call.
"""

from __future__ import annotations

from app.domain.number_health import NEW_TOKEN
from app.errors import GraphError, GraphThrottled, GraphUnauthorised, GraphUnavailable, GraphUnknown
from app.services.connecting.types import Step, StepState

_PERMISSION = (
    "Give the system user this WhatsApp account and the app in Meta's business settings, make a new token with"
    " whatsapp_business_management and whatsapp_business_messaging, and run this again."
)
_LATER = "Wait some minutes, and run this again: what was done already stays done."
_TEMPLATE = "Name another approved template: --template NAME:LANGUAGE; WhatsApp Manager lists them."

BY_CODE: dict[int, str] = {
    0: NEW_TOKEN,
    3: _PERMISSION,
    4: _LATER,
    10: _PERMISSION,
    33: "Look up the ids again in WhatsApp Manager.",
    102: NEW_TOKEN,
    190: NEW_TOKEN,
    200: _PERMISSION,
    368: "Meta restricted the account: see Account quality in WhatsApp Manager, and appeal there.",
    613: _LATER,
    2200: "Meta could not reach the callback, or got another answer than its challenge: run `flask doctor`, which makes"
    " the same call, and says which.",
    80007: _LATER,
    130472: "Meta keeps this phone out of marketing. Try another phone, or a utility template.",
    130497: "The account may not write to people in that country. Try a phone of another one.",
    131005: _PERMISSION,
    131021: "Name another phone than the business's own.",
    131026: "Is WhatsApp on that phone, and up to date? Write to the business from it once, or try another phone.",
    131030: "This is Meta's test number, which writes only to phones that were added: WhatsApp, API Setup, To; add the"
    " phone there, and type the code that it gets.",
    131031: "Meta locked the account: see Account quality in WhatsApp Manager.",
    131037: "Meta must approve the display name first: WhatsApp Manager, Phone numbers.",
    131042: "Add a payment method: Meta's business settings, Billing and payments, this WhatsApp account.",
    131045: "Register the number again: flask connect.",
    131047: "Send a template, or write to the business from that phone first.",
    131048: "Its quality is too low: wait until it recovers.",
    131049: "Meta keeps this phone from more marketing for now: try another phone, or a utility template.",
    131050: "That phone opted out of marketing: try another phone, or a utility template.",
    131057: _LATER,
    131058: "hello_world goes out from Meta's test numbers alone. " + _TEMPLATE,
    132000: _TEMPLATE,
    132001: _TEMPLATE,
    132012: _TEMPLATE,
    132015: "Meta paused this template. " + _TEMPLATE,
    132016: "Meta disabled this template. " + _TEMPLATE,
    133000: _LATER,
    133004: _LATER,
    133005: "The number has a PIN of its own already: give that one, or set another in WhatsApp Manager, Phone numbers,"
    " Two-step verification.",
    133006: "Verify the number first: WhatsApp Manager, Phone numbers, by the code that it gets by SMS or call.",
    133008: "Too many wrong PINs: wait as long as Meta says, or set another PIN in WhatsApp Manager.",
    133009: "Wait some minutes before the next PIN.",
    133010: "Register the number: run this again, and give a PIN.",
    133015: "The number was deleted just now: wait five minutes, and run this again.",
    133016: "The number was registered too often: wait 72 hours.",
    136025: "The number is still in the app of WhatsApp: delete that account there, or connect it by coexistence (see"
    " docs/connect.md).",
}


def remedy_of(error: GraphError) -> str:
    """Return what to do about a failed call."""
    code = (error.meta or {}).get("code")
    if isinstance(code, int) and code in BY_CODE:
        return BY_CODE[code]
    if isinstance(error, GraphThrottled):
        return _LATER
    if isinstance(error, GraphUnauthorised):
        return NEW_TOKEN
    if isinstance(error, GraphUnavailable):
        return "See whether this machine reaches the internet (GRAPH_PROXY, GRAPH_API_URL), and run this again."
    if isinstance(error, GraphUnknown):
        return "Meta's answer did not come. Run this again: each step looks first whether it was done."
    return "Look the code up at Meta (support/error-codes), correct what it names, and run this again."


def failed(name: str, error: GraphError, doing: str) -> Step:
    """Return the step that a failed call ends. Its text has Meta's code, and neither a token nor a phone number."""
    code = (error.meta or {}).get("code")
    told = f" (code {code})" if code is not None else ""
    details = (error.meta or {}).get("details")
    more = f" {details}" if isinstance(details, str) and details else ""
    return Step(name, StepState.FAILED, f"{doing}: {error.message}{told}{more}", remedy_of(error))
