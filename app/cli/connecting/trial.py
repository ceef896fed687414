"""The last step of `connect`: a template to a phone, once the gateway runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from app.clock import utc_now
from app.container import Gateway
from app.errors import GraphError, Unavailable
from app.schemas.send import read_send_request
from app.services.connecting import Link, Number, Step, StepState, failed, find_template, send_and_wait
from app.services.operations import check_health

NO_TEMPLATE = (
    "Make one in WhatsApp Manager (a greeting, category utility), and wait for its approval; or write to the number"
    " from your phone, and see it in the inbox."
)


def send_trial(
    gateway: Gateway, link: Link, number: Number, to: str, template: str, seconds: float, note: Callable[[str], None]
) -> Step:
    """Send a template (`NAME:LANGUAGE`, or any that fits) to a phone, and wait until it is delivered.

    `note` is called with each status on the way.
    """
    try:
        health = check_health(gateway.database, utc_now())
        if not health.database or not health.schema or health.worker != "running":
            text = f"The gateway does not run: {health.reason or 'no worker runs'}."
            return Step("test", StepState.FAILED, text, "Start ./run.sh, and run this again.")
        name, _, language = template.partition(":")
        if not name:
            found = find_template(link, number.waba_id, is_test_number="test" in number.name.lower())
            if found is None:
                text = "The account has no approved template without variables."
                return Step("test", StepState.FAILED, text, NO_TEMPLATE)
            name, language = found.name, found.language
        body = {
            "to": to, "phone_number_id": number.id, "type": "template",
            "template": {"name": name, "language": {"code": language or "en_US"}},
        }  # fmt: skip
        read = partial(read_send_request, body, gateway.config.default_region or None)
        tell = partial(_note_status, note, name)
        return send_and_wait(gateway.send, gateway.database, read, seconds=seconds, tell=tell)
    except GraphError as error:
        return failed("test", error, "Looking for a template")
    except Unavailable as error:
        text = f"The database cannot be used: {error.reason}."
        return Step("test", StepState.FAILED, text, "Start ./run.sh, and run this again.")
    finally:
        gateway.database.dispose()


def _note_status(note: Callable[[str], None], template: str, status: str) -> None:
    note(f"{template}: {status}")
