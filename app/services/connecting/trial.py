"""Send a template to a phone, and wait until Meta reports that it was delivered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.db.database import Database
from app.domain.outbound import OutboundRequest
from app.errors import GatewayError, GraphError, Unavailable
from app.graph.codes import meaning
from app.services.connecting.remedies import BY_CODE, failed
from app.services.connecting.types import Link, Step, StepState
from app.services.messages import find_message
from app.services.sending import SendMessage

HELLO = "hello_world"
LOOK_SECONDS = 0.25
ARRIVED = ("delivered", "read", "played")


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """A template by name and language."""

    name: str
    language: str


def find_template(link: Link, waba_id: str, is_test_number: bool) -> TemplateChoice | None:
    """Return an approved template that needs no parameters; None without one. Raises `GraphError`.

    `hello_world` is the last choice, but for Meta's test numbers: others may not send it any more (131058).
    """
    answer = link.graph.request(
        "GET", waba_id, "message_templates", token=link.access_token,
        params={"fields": "name,language,status,category,components", "limit": "100"},
    )  # fmt: skip
    data = answer.get("data") if isinstance(answer, Mapping) else None
    usable = [each for each in (data if isinstance(data, list) else []) if _is_plain(each)]
    usable.sort(key=lambda each: (each.get("name") == HELLO) != is_test_number)
    if not usable:
        return None
    return TemplateChoice(str(usable[0].get("name")), str(usable[0].get("language")))


def _is_plain(template: Any) -> bool:
    """Return whether a template can be sent as it is: approved, without variables, files and codes."""
    if not isinstance(template, Mapping) or template.get("status") != "APPROVED":
        return False
    if template.get("category") == "AUTHENTICATION":
        return False
    components = template.get("components")
    for part in components if isinstance(components, list) else []:
        if not isinstance(part, Mapping) or part.get("type") not in ("HEADER", "BODY", "FOOTER", "BUTTONS"):
            return False
        if part.get("type") == "HEADER" and part.get("format") not in ("TEXT", None):
            return False
        buttons = part.get("buttons") or []
        if any(button.get("type") not in ("QUICK_REPLY", "URL", "PHONE_NUMBER") for button in buttons):
            return False
        if "{{" in str(part):
            return False
    return True


def send_and_wait(
    send: SendMessage, database: Database, read: Callable[[], OutboundRequest], *, seconds: float,
    tell: Callable[[str], None],
) -> Step:  # fmt: skip
    """Send what `read` reads, and wait for so many seconds until it is delivered.

    `tell` is called with each new status. Raises `Unavailable`.
    """
    try:
        sent = send(read())
    except GraphError as error:
        return failed("test", error, "Sending the template")
    except Unavailable:
        raise
    except GatewayError as error:
        fields = "; ".join(f"{name}: {', '.join(map(str, texts))}" for name, texts in (error.fields or {}).items())
        return Step("test", StepState.FAILED, f"{error.message} {fields}".strip(), "Correct it, and run this again.")
    until, status = time.monotonic() + seconds, ""
    while True:
        message = find_message(database, sent.id, None)
        if message.status != status:
            status = message.status
            tell(status)
        if status in ARRIVED:
            return Step("test", StepState.DONE, f"The template arrived at the phone ({status}).")
        if status == "failed":
            return _refused_later(message.error)
        if time.monotonic() >= until:
            return _silent(status, seconds)
        time.sleep(LOOK_SECONDS)


def _refused_later(error: Any) -> Step:
    code = error.get("code") if isinstance(error, Mapping) else None
    known = meaning(code) if isinstance(code, int) else None
    text = f"Meta did not deliver it: {known.explanation if known else 'no reason given'} (code {code})"
    remedy = BY_CODE.get(code if isinstance(code, int) else -1, "See the message in the inbox for Meta's reason.")
    return Step("test", StepState.FAILED, text, remedy)


def _silent(status: str, seconds: float) -> Step:
    if status == "sent":
        return Step(
            "test", StepState.WARN, f"It was sent, and not delivered within {seconds:.0f} s.",
            "Webhooks come, so the gateway is connected. Is the phone switched on, and on the internet?",
        )  # fmt: skip
    return Step(
        "test", StepState.FAILED,
        f"Meta accepted it, and no webhook told within {seconds:.0f} s what became of it.",
        "Run `flask doctor`: callback, subscription and overrides. Is the app Live? In development mode webhooks may"
        " stay away (App Mode, at the top of the app's dashboard).",
    )  # fmt: skip
