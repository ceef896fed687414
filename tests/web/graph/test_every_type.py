"""Every type of message, through both doors, to a Meta that looks at what arrives."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import requests
import responses
from flask.testing import FlaskClient

from simulator.testing import MetaStandIn
from tests.conftest import API_KEY
from tests.factories import ANA, PNID, WABA
from tests.schemas.send_bodies import BODIES
from tests.schemas.test_send_bodies import components, described
from tests.simulator.message_cases import ACCEPTED
from tests.simulator.test_message_cases import _TEMPLATES

Json = dict[str, Any]
DOORS = ("/send/whatsapp", f"/graph/v26.0/{PNID}/messages")
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
ENVELOPE = {"messaging_product": "whatsapp", "to": f"+{ANA}"}


@pytest.mark.parametrize("door", DOORS, ids=["send", "graph"])
def test_the_simulator_takes_whatever_it_would_take_directly(
    client: FlaskClient, door: str, filled: Callable[[Json], Json], meta: MetaStandIn
) -> None:
    refused = {}
    for position, (name, body) in enumerate(ACCEPTED.items()):
        somebody = {"to": f"+{int(ANA) + position}"}  # each to somebody else, since nobody may be sent many at once
        asked = {key: value for key, value in {**ENVELOPE, **somebody, **filled(body)}.items() if value is not None}
        answer = client.post(door, json=asked, headers=HEADERS)
        if answer.status_code != 200:
            refused[name] = answer.get_json()

    assert refused == {}
    assert len(meta.accepted) == len(ACCEPTED)


@pytest.mark.parametrize("door", DOORS, ids=["send", "graph"])
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_what_arrives_is_what_metas_openapi_file_describes(client: FlaskClient, door: str, body: Json) -> None:
    path = os.environ.get("META_OPENAPI_FILE")
    if not path:
        pytest.skip("META_OPENAPI_FILE does not name Meta's OpenAPI file")

    arrived = sent_to_meta(client, door, body)

    assert arrived[body["type"]] == body[body["type"]]
    for schema, value in described(body["type"], arrived[body["type"]], components(path)):
        jsonschema.Draft202012Validator(
            {**schema, "components": {"schemas": components(path)}}, format_checker=None
        ).validate(value)


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_both_doors_send_the_same(client: FlaskClient, body: Json) -> None:
    one, other = (sent_to_meta(client, door, body) for door in DOORS)

    tags = {each.pop("biz_opaque_callback_data") for each in (one, other)}
    assert one == other
    assert len(tags) == 2


def sent_to_meta(client: FlaskClient, door: str, body: Json) -> Json:
    """What Graph is sent for a body."""
    with responses.RequestsMock() as graph:
        graph.post(
            f"{client.application.extensions['gateway'].config.graph_api_url}/v26.0/{PNID}/messages",
            json={"messages": [{"id": f"wamid.{os.urandom(8).hex()}"}]},
        )
        answer = client.post(door, json={**ENVELOPE, **body}, headers=HEADERS)
        assert answer.status_code == 200, answer.get_json()
        arrived: Json = json.loads(graph.calls[0].request.body)
    return arrived


@pytest.fixture
def filled(meta: MetaStandIn) -> Callable[[Json], Json]:
    """Puts ids that exist where a case has placeholders, and makes its templates."""
    world = meta.simulator.world
    for name, (status, category, shape, parts) in _TEMPLATES.items():
        world.templates.add(WABA, name, "es", category, parts, shape).status = status
    form = {"messaging_product": "whatsapp", "type": "image/jpeg"}
    uploaded = requests.post(
        f"{meta.url}/v26.0/{PNID}/media", data=form, headers={"Authorization": "Bearer EAAsimulated"}, timeout=10,
        files={"file": ("a.jpg", io.BytesIO(b"\xff\xd8\xff"), "image/jpeg")},
    )  # fmt: skip
    media_id, user_id = uploaded.json()["id"], world.customers.find(ANA).user_id

    def fill(body: Json) -> Json:
        written = json.dumps(body).replace('"MEDIA"', f'"{media_id}"').replace('"BSUID"', f'"{user_id}"')
        found: Json = json.loads(written)
        return found

    return fill
