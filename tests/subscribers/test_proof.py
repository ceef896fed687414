"""A guard that urllib3 no longer asks keeps the gateway from starting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.config.errors import ConfigError
from app.config.settings import load_config
from app.container import Gateway
from app.subscribers import connecting
from app.subscribers.proof import prove_guard
from tests.conftest import SETTINGS


def test_the_guard_works() -> None:
    prove_guard()


def test_a_urllib3_that_calls_other_names_keeps_the_gateway_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(connecting._Checked, "_new_conn")

    with pytest.raises(ConfigError, match="urllib3"):
        Gateway.build(load_config(SETTINGS), "0")


def test_a_guard_that_judges_after_the_connection_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = connecting._Checked._new_conn

    def too_late(self: connecting._Checked) -> object:
        super(connecting._Checked, self)._new_conn().close()
        return judged(self)

    monkeypatch.setattr(connecting._Checked, "_new_conn", too_late)

    with pytest.raises(ConfigError):
        prove_guard()


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    prove_guard.cache_clear()
    yield
    prove_guard.cache_clear()
