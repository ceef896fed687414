"""Graph's paths as SDKs write them: any version, none, and at the root of a host name of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from flask import Flask

from app.config.errors import ConfigError
from app.config.settings import Config, load_config
from simulator.testing import MetaStandIn
from tests.conftest import API_KEY, SETTINGS
from tests.factories import PNID, WABA
from tests.web.graph.test_face import TEXT

HEADERS = {"Authorization": f"Bearer {API_KEY}"}


@pytest.mark.parametrize("version", ["v26.0/", "v19.0/", "26.0/", "23.0/", "v23/", ""])
def test_a_version_may_be_any_or_missing(app: Flask, meta: MetaStandIn, version: str) -> None:
    client = app.test_client()

    sent = client.post(f"/graph/{version}{PNID}/messages", json=TEXT, headers=HEADERS)
    read = client.get(f"/graph/{version}{PNID}?fields=id", headers=HEADERS)
    listed = client.get(f"/graph/{version}{PNID}/block_users", headers=HEADERS)

    assert sent.get_json()["messages"][0]["id"].startswith("wamid.")
    assert read.get_json()["id"] == PNID
    assert "data" in listed.get_json()
    assert len(meta.accepted) == 1


@pytest.fixture
def config(config: Config) -> Config:
    return dataclasses.replace(config, graph_hosts=("graph.facebook.com", "graph.internal"))


@pytest.mark.parametrize("host", ["graph.facebook.com", "GRAPH.internal", "graph.internal:8443", "graph.internal."])
@pytest.mark.parametrize("prefix", ["/v23.0", "", "/graph", "/graph/v23.0"])
def test_a_host_of_its_own_has_graph_at_its_root(app: Flask, host: str, prefix: str) -> None:
    client = app.test_client()

    answer = client.get(f"{prefix}/{PNID}?fields=id", headers={**HEADERS, "Host": host})

    assert answer.get_json()["id"] == PNID


def test_urls_there_point_there(app: Flask) -> None:
    client, host = app.test_client(), {**HEADERS, "Host": "graph.internal"}
    for name in ("one", "two"):
        parts = [{"type": "BODY", "text": "Hola."}]
        body = {"name": name, "language": "es", "category": "UTILITY", "components": parts}
        client.post(f"/{WABA}/message_templates", json=body, headers=host)

    page: Any = client.get(f"/v19.0/{WABA}/message_templates?limit=1", headers=host, base_url="https://x").get_json()

    following = page["paging"]["next"]
    assert following.startswith(f"https://graph.internal/v26.0/{WABA}/message_templates?")
    assert client.get(following.partition("graph.internal")[2], headers=host).get_json()["data"]


def test_nothing_else_is_there(app: Flask) -> None:
    client = app.test_client()
    for path in ("/api/messages", "/webhook/whatsapp", "/metrics", "/", "/send/whatsapp", "/docs"):
        error = client.get(path, headers={**HEADERS, "Host": "graph.internal"}).get_json()["error"]
        assert error["code"] == 100, path
    assert client.get("/", headers={**HEADERS, "Host": "elsewhere"}).get_json()["status"] == "ok"


@pytest.mark.parametrize("host", ["https://graph.internal", "graph.internal:443", "a..b", "-a", "a b", "a/b"])
def test_a_host_is_a_name_alone(host: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        load_config(SETTINGS | {"GRAPH_HOSTS": host})

    assert wrong.value.problems[0].startswith("GRAPH_HOSTS: must be host names")


def test_several_hosts_in_any_case() -> None:
    assert load_config(SETTINGS | {"GRAPH_HOSTS": "Graph.Facebook.com, graph.internal"}).graph_hosts == (
        "graph.facebook.com",
        "graph.internal",
    )
