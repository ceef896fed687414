"""Against Meta itself: `pytest -m live`, with a number's credentials in the environment. Off otherwise.

One template is sent, to the phone in `LIVE_WHATSAPP_TO`; nothing else is changed. See docs/connect.md. With
`LIVE_GRAPH_API_URL` all of it goes to the simulator, as `test_against_the_simulator.py` does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from app import __version__
from app.config.settings import Config
from app.domain import meta_health, number_health
from app.errors import GraphUnauthorised
from app.graph import payloads
from app.graph.client import GraphClient
from app.services.connecting import Link, StepState, find_accounts, find_template, look_at_token

pytestmark = pytest.mark.live
NAMES = ("ACCESS_TOKEN", "APP_ID", "APP_SECRET", "PHONE_NUMBER_ID", "BUSINESS_ACCOUNT_ID", "TO")


@pytest.fixture
def given() -> dict[str, str]:
    """The credentials."""
    return credentials(os.environ)


def credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials by their short names. Skips by name where one is missing."""
    found = {name: environ.get(f"LIVE_WHATSAPP_{name}", "") for name in NAMES}
    missing = [f"LIVE_WHATSAPP_{name}" for name, text in found.items() if not text]
    if missing:
        pytest.skip(f"not set: {', '.join(missing)}")
    return found


@pytest.fixture
def graph() -> GraphClient:
    version = os.environ.get("LIVE_GRAPH_API_VERSION", Config.graph_api_version)
    url = os.environ.get("LIVE_GRAPH_API_URL", Config.graph_api_url)
    return GraphClient(url, version, service_version=__version__)


@pytest.fixture
def link(given: dict[str, str], graph: GraphClient) -> Link:
    return Link(graph, given["APP_ID"], given["APP_SECRET"], given["ACCESS_TOKEN"])


def test_meta_tells_its_time(given: dict[str, str], graph: GraphClient) -> None:
    date = graph.date()

    assert date is not None and abs((datetime.now(UTC) - date).total_seconds()) < 60


def test_a_token_that_is_none_is_refused(given: dict[str, str], graph: GraphClient) -> None:
    with pytest.raises(GraphUnauthorised):
        graph.request("GET", given["PHONE_NUMBER_ID"], token="EAAnone")


def test_token_accounts_and_numbers_are_found(given: dict[str, str], link: Link) -> None:
    step, token = look_at_token(link, datetime.now(UTC))

    assert step.state in (StepState.ALREADY, StepState.WARN), step
    assert token is not None
    numbers = [number for account in find_accounts(link, token) for number in account.numbers]
    assert given["PHONE_NUMBER_ID"] in {number.id for number in numbers}


def test_the_fields_that_the_doctor_asks_for_are_known(given: dict[str, str], graph: GraphClient) -> None:
    fields = ",".join(number_health.NUMBER_FIELDS + meta_health.MORE_NUMBER_FIELDS)

    told = graph.request("GET", given["PHONE_NUMBER_ID"], token=given["ACCESS_TOKEN"], params={"fields": fields})

    assert told["id"] == given["PHONE_NUMBER_ID"]


def test_a_template_is_accepted(given: dict[str, str], graph: GraphClient, link: Link) -> None:
    choice = find_template(link, given["BUSINESS_ACCOUNT_ID"], is_test_number=True)
    assert choice is not None
    payload = payloads.text(given["TO"], "") | {
        "type": "template", "template": {"name": choice.name, "language": {"code": choice.language}},
    }  # fmt: skip
    payload.pop("text")

    sent = graph.send(given["PHONE_NUMBER_ID"], payload, given["ACCESS_TOKEN"])

    assert sent.wamid.startswith("wamid.")
