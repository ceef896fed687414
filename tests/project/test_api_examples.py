"""docs/api-examples.md: the ten calls work as they stand there, in each language that this machine has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.config.parsers import ROOT
from simulator.testing import MetaStandIn
from tests.client.test_client import now_text
from tests.factories import change, contact, notification
from tests.web.graph.conftest import app, database_url, key, make_meta, meta, served
from whatsapp_service_client import Client

__all__ = ["app", "database_url", "key", "make_meta", "meta", "served"]

PAGE = (ROOT / "docs" / "api-examples.md").read_text()
LANGUAGES: dict[str, tuple[list[str], str, str]] = {
    "sh": (["bash", "-euo", "pipefail"], "calls.sh", "curl"),
    "python": ([sys.executable], "calls.py", sys.executable),
    "js": (["node"], "calls.mjs", "node"),
    "php": (["php"], "calls.php", "php"),
}
"""How to run a file of each, its name, and the program that must be there."""


def blocks(language: str) -> list[str]:
    """What the page has in a language, but for the line that sets the environment."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return [block for block in found if not block.startswith("export ")]


def test_each_call_is_there_in_each_language() -> None:
    titles = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)

    assert len(titles) == 10
    assert {language: len(blocks(language)) for language in LANGUAGES} == {"sh": 10, "python": 11, "js": 11, "php": 11}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ten_calls_work_as_they_stand_there(
    language: str, served: str, key: str, meta: MetaStandIn, receive: Callable[..., None], tmp_path: Path
) -> None:
    command, name, program = LANGUAGES[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    receive(notification(change(messages=[now_text("Hola, necesito ayuda")], contacts=[contact()])))
    (tmp_path / "bill.pdf").write_bytes(b"%PDF-1.7\n" + b"bill " * 100)
    (tmp_path / name).write_text("\n".join(blocks(language)))
    with Client(served, key) as client:
        (earlier,) = client.list_messages().first()

        done = subprocess.run(
            [*command, name], cwd=tmp_path, capture_output=True, text=True, timeout=60,
            env={
                "PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "client"),
                "GATEWAY_URL": served, "API_KEY": key, "id": str(earlier["id"]),
            },
        )  # fmt: skip

        assert done.returncode == 0, done.stdout + done.stderr
        queued = client.list_messages(status="queued").first()
        again = client.send_text("+5491112345678", "Order 1042 is ready.", mode="queued", idempotency_key="order-1042")
    assert [each.body["type"] for each in meta.accepted] == ["text", "image", "template", "interactive"]
    assert again["id"] in [each["id"] for each in queued]
    assert "Hola, necesito ayuda" in done.stdout and "message.received" in done.stdout
