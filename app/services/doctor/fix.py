"""Put right what can be put right without harm: what a person would do anyway, and could undo."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.domain.meta_health import app_callback
from app.errors import GatewayError, GraphError, GraphRefused
from app.services.doctor.context import DoctorContext
from app.services.doctor.types import Line

FIELDS = (
    "messages", "message_template_status_update", "message_template_quality_update", "template_category_update",
    "account_alerts", "account_review_update", "account_update", "business_capability_update",
    "phone_number_name_update", "phone_number_quality_update", "security", "user_preferences", "flows",
    "smb_message_echoes", "smb_app_state_sync", "history",
)  # fmt: skip
"""The fields of webhooks that the gateway makes something of."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What became of a fix."""

    fix: str
    done: bool
    text: str


def apply(context: DoctorContext, lines: Iterable[Line]) -> list[Fixed]:
    """Apply each fix that a line names, once. Errors are told and not raised."""
    names = dict.fromkeys(line.fix for line in lines if line.fix in FIXES)
    results = []
    for name in names:
        assert name is not None
        try:
            results.append(Fixed(name, True, FIXES[name](context)))
        except OSError as error:
            results.append(Fixed(name, False, f"{os.strerror(error.errno or 0)}."))
        except GatewayError as error:
            results.append(Fixed(name, False, error.message))
    return results


def subscribe_app(context: DoctorContext) -> str:
    """Subscribe the app to each account that it does not hear. Raises `GraphError`."""
    count = 0
    for one in context.accounts():
        context.graph.request("POST", str(one.waba_id), "subscribed_apps", token=one.access_token)
        count += 1
    return f"The app is subscribed to {count} account{'' if count == 1 else 's'}."


def set_callback(context: DoctorContext) -> str:
    """Save our callback at Meta. One that leads elsewhere is left alone. Raises `GraphError`."""
    answer = context.graph.request("GET", context.config.whatsapp_app_id, "subscriptions", token=context.app_token)
    url, _, _ = app_callback(answer if isinstance(answer, dict) else {})
    if url and url != context.callback_url:
        raise GraphRefused("Another callback is saved at Meta by now; run: flask connect --replace-callback.")
    save_callback(context, context.callback_url)
    return f"Meta has {context.callback_url}."


def save_callback(context: DoctorContext, url: str) -> None:
    """Save a callback at Meta, for all fields that we read; for `messages` alone if Meta does not let us have others.

    Meta makes its handshake before it answers. Raises `GraphError`.
    """
    asked = {
        "object": "whatsapp_business_account",
        "callback_url": url,
        "verify_token": context.config.whatsapp_verify_token,
    }
    for fields in (",".join(FIELDS), "messages"):
        try:
            context.graph.request(
                "POST", context.config.whatsapp_app_id, "subscriptions", token=context.app_token,
                json=asked | {"fields": fields},
            )  # fmt: skip
            return
        except GraphError as error:
            is_about_fields = (error.meta or {}).get("code") == 100 and "field" in error.message.lower() + str(
                (error.meta or {}).get("details")
            )
            if fields == "messages" or not is_about_fields:
                raise


def modes(context: DoctorContext) -> str:
    """Let only the owner read `.env`."""
    (context.root / ".env").chmod(0o600)
    return ".env can be read by its owner alone."


def folders(context: DoctorContext) -> str:
    """Make the folders that the settings name, for this user alone."""
    config = context.config
    made = []
    for folder in filter(None, (config.log_dir, config.media_dir if not config.media_s3_bucket else "")):
        if not os.path.isdir(folder):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            made.append(folder)
    return f"Made {', '.join(made)}." if made else "All folders are there."


FIXES: dict[str, Callable[[DoctorContext], str]] = {
    "subscribe_app": subscribe_app,
    "set_callback": set_callback,
    "modes": modes,
    "folders": folders,
}
