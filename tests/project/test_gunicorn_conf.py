"""What gunicorn is told, as far as no running server shows it."""

from __future__ import annotations

import gc
import runpy
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.process import draining
from tests.conftest import SETTINGS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def unfrozen() -> Iterator[None]:
    """Nothing is spared by the collector; afterwards it is as pytest had it, and so is Ctrl-C."""
    before = signal.getsignal(signal.SIGINT)
    gc.unfreeze()
    yield
    signal.signal(signal.SIGINT, before)
    gc.collect()
    gc.freeze()


def test_the_collector_passes_over_what_was_made_at_start(monkeypatch: pytest.MonkeyPatch, unfrozen: None) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(draining, "follow", lambda stop, is_led: None)  # it would take pytest's own signals
    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    settings["post_worker_init"](SimpleNamespace(handle_exit=None))

    assert gc.get_freeze_count() > 1_000
