"""The steps that change something at Meta. Each looks first whether it was done, and does nothing in a dry run."""

from __future__ import annotations

from app.domain import meta_health, number_health
from app.errors import GraphError
from app.services.connecting.discovery import Number
from app.services.connecting.remedies import failed
from app.services.connecting.types import Link, Step, StepState
from app.services.doctor import DoctorContext, PublicCallback, save_callback

OLD_CALLBACK = "Run this again with --replace-callback if that address is no longer meant."


def register(link: Link, number: Number, pin: str, *, dry_run: bool) -> Step:
    """Register a number with the Cloud API, with the PIN of its two-step verification."""
    if number.is_registered:
        how = ", and stays in the app on the phone (coexistence)" if number.is_on_phone else ""
        return Step("register", StepState.ALREADY, f"The number is registered with the Cloud API{how}.")
    if number.verified == "NOT_VERIFIED":
        text = "Nobody proved that the number is theirs."
        remedy = "Verify it in WhatsApp Manager, Phone numbers, by the code that it gets, and run this again."
        return Step("register", StepState.FAILED, text, remedy)
    if dry_run:
        return Step("register", StepState.WOULD, "The number would be registered with the Cloud API.")
    body = {"messaging_product": "whatsapp", "pin": pin}
    try:
        link.graph.request("POST", number.id, "register", token=link.access_token, json=body)
    except GraphError as error:
        return failed("register", error, "Registering the number")
    return Step("register", StepState.DONE, "The number is registered with the Cloud API. Keep its PIN safe.")


def subscribe(link: Link, waba_id: str, *, dry_run: bool) -> Step:
    """Let the app hear of the account."""
    try:
        answer = link.graph.request("GET", waba_id, "subscribed_apps", token=link.access_token)
        finding = number_health.read_subscription(answer, link.app_id, waba_id)
        if finding.state == number_health.OK:
            return Step("subscribe", StepState.ALREADY, "The app hears of the account.")
        if dry_run:
            return Step("subscribe", StepState.WOULD, "The app would be subscribed to the account.")
        link.graph.request("POST", waba_id, "subscribed_apps", token=link.access_token)
    except GraphError as error:
        return failed("subscribe", error, "Subscribing the app to the account")
    return Step("subscribe", StepState.DONE, "The app is subscribed to the account.")


def save_the_callback(context: DoctorContext, callback: PublicCallback, *, replace: bool, dry_run: bool) -> Step:
    """Save our callback at Meta, after Meta's own handshake made from here: so that a failure can be told apart.

    One that leads elsewhere is replaced only with `replace`: other software may live from it.
    """
    trouble = callback.address() or callback.shake_hands(context.config.whatsapp_verify_token)
    if trouble is not None:
        return Step("callback", StepState.FAILED, f"{context.callback_url}: {trouble.text}", trouble.remedy)
    said = context.subscriptions()
    if isinstance(said, GraphError):
        return failed("callback", said, "Asking for the app's callback")
    url, active, fields = meta_health.app_callback(said)
    if url == context.callback_url and active and (not fields or "messages" in fields):
        return Step("callback", StepState.ALREADY, f"Meta has {url}.")
    if url and url != context.callback_url and not replace:
        text = f"Meta sends the app's webhooks to {url[:200]} now."
        return Step("callback", StepState.FAILED, text, OLD_CALLBACK)
    if dry_run:
        return Step("callback", StepState.WOULD, f"{context.callback_url} would be saved at Meta.")
    try:
        save_callback(context, context.callback_url)
    except GraphError as error:
        return failed("callback", error, "Saving the callback")
    return Step("callback", StepState.DONE, f"Meta has {context.callback_url}.")
