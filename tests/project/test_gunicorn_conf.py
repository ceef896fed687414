"""What gunicorn is told, as far as no running server shows it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.process import draining


@pytest.fixture
def unfrozen() -> Iterator[None]:
    """Nothing is spared by the collector; afterwards it is as pytest had it."""
    gc.unfreeze()
    yield
    gc.collect()
    gc.freeze()


def test_the_collector_passes_over_what_was_made_at_start(
    monkeypatch: pytest.MonkeyPatch, unfrozen: None, gunicorn_settings: Callable[[], dict[str, Any]]
) -> None:
    monkeypatch.setattr(draining, "follow", lambda stop, is_led: None)  # it would take pytest's own signals
    settings = gunicorn_settings()

    settings["post_worker_init"](SimpleNamespace(handle_exit=None))

    assert gc.get_freeze_count() > 1_000
