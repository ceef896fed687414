"""Clients that hold 300 connections and send next to nothing do not keep anybody else from being answered.

How fast the others are answered is measured by `python -m benchmarks.ingest`.
"""

from __future__ import annotations

import pytest

from tests.drills.conftest import sized
from tests.load.bodies import Maker
from tests.load.gateway import APP_SECRET, Gateway
from tests.load.senders import post_all
from tests.load.slow_clients import probe, slow_clients

pytestmark = pytest.mark.parametrize("gateway", ["sqlite"], indirect=True)  # the database plays no part here


def test_it_answers_everybody_else_beside_300_slow_clients(gateway: Gateway) -> None:
    webhooks = list(Maker(APP_SECRET, 1901).mixed(40))

    with slow_clients(gateway.port, 300):
        times = probe(gateway.port, "/healthz", seconds=sized(2, 20))
        acks = post_all(gateway, webhooks, seconds=20)

    assert len(times) > 5 and float("inf") not in times
    assert len(acks.acknowledged) == len(webhooks) and acks.refused == {}
