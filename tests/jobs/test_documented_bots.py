"""The bots that people copy work as they stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import responses

from app.config.parsers import ROOT
from tests.bots import Bots
from tests.conftest import on_sqlite
from tests.factories import ANA, PNID, message_body, text

Receive = Callable[..., None]
pytestmark = on_sqlite


@pytest.mark.parametrize("page", ["docs/handlers.md", "README.md"])
def test_the_documented_bot_answers(page: str, bots: Bots, receive: Receive) -> None:
    found = re.search(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert found is not None
    bots.load(found[1])

    with responses.RequestsMock(assert_all_requests_are_fired=False) as graph:  # typing is shown at once
        graph.post(f"https://graph.example/v26.0/{PNID}/messages", json={"success": True})
        receive(message_body(text("Hola", timestamp=now(bots))))
        bots.harness.rounds()

    assert bots.said() == ["You said: Hola"]


def test_the_example_shows_buttons_and_answers_them(bots: Bots, receive: Receive) -> None:
    bots.load((ROOT / "examples" / "handlers_bot.py").read_text())
    reply = {"type": "button_reply", "button_reply": {"id": "hours", "title": "Opening hours"}}
    pressed: dict[str, Any] = {
        "from": ANA, "id": "wamid.P", "timestamp": str(now(bots)), "type": "interactive", "interactive": reply,
    }  # fmt: skip

    receive(
        message_body(text("Hola", timestamp=now(bots))), message_body(text("Menu", timestamp=now(bots))),
        message_body(pressed),
    )  # fmt: skip
    bots.harness.rounds()

    assert bots.harness.states() == ["delivered"] * 3
    assert sorted(bots.said()) == [
        "Monday to Friday, 9 to 18.", "What can we do for you?", "You said: Hola. Write menu to see what I can do.",
    ]  # fmt: skip


def now(bots: Bots) -> int:
    return int(bots.harness.clock().timestamp())
