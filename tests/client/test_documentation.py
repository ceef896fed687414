"""The Python of docs/client.md and of the package's README runs as it stands there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import standardwebhooks

from app.config.parsers import ROOT
from tests.client.test_client import now_text
from tests.client.test_webhooks import BODY
from tests.conftest import API_KEY
from tests.factories import change, contact, notification


@pytest.mark.parametrize("name", ["docs/client.md", "client/README.md"])
def test_a_page_runs_from_top_to_bottom(
    name: str, url: str, monkeypatch: pytest.MonkeyPatch, receive: Callable[..., None]
) -> None:
    receive(notification(change(messages=[now_text("Hola, necesito ayuda")], contacts=[contact()])))
    page = ROOT / name
    monkeypatch.setenv("GATEWAY_URL", url)
    monkeypatch.setenv("API_KEY", API_KEY)
    printed: list[str] = []
    known: dict[str, object] = {"print": lambda *said: printed.append(" ".join(map(str, said)))}

    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        exec(compile(block, str(page), "exec"), known)

    assert any("Hola, necesito ayuda" in line for line in printed)
    if "receive" in known:
        now = datetime.now(UTC)
        signature = standardwebhooks.Webhook("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").sign(
            "01a2", now, BODY.decode()
        )
        headers = {"webhook-id": "01a2", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
        receive_ = known["receive"]
        assert callable(receive_)
        assert (receive_(BODY, headers), receive_(BODY + b" ", headers)) == (204, 401)


def test_the_package_is_built_with_everything_in_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "client", tmp_path / "client")  # a build leaves files behind
    build = "from setuptools import setup; setup(script_args=['-q', 'build_py', '-d', 'built'])"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=tmp_path / "client", capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    built = tmp_path / "client" / "built" / "whatsapp_service_client"
    for name in ("py.typed", "client.py", "operations/messages.py", "types.py"):
        assert (built / name).is_file()
