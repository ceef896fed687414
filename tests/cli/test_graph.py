"""`flask graph certificate`: what it makes, when it leaves alone what is there, and what it tells people to do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.clock import utc_now
from app.container import Gateway
from app.services.graph_proxy.certificate import CERTIFICATE, make_certificate, read_state
from tests.cli.conftest import Run
from tests.conftest import with_settings

HOST = "graph.facebook.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "graph-ca"


def test_it_makes_one_and_says_what_is_next(run: Run, folder: Path) -> None:  # noqa: F811
    result = run("graph", "certificate", "--folder", str(folder))

    state = read_state(folder)
    assert state is not None and state.hosts == (HOST,)
    assert result.exit_code == 0
    for word in (
        f"{state.ends:%Y-%m-%d}", f"{state.renew_from:%Y-%m-%d}", "GRAPH_HOSTS=graph.facebook.com", "TRUSTED_PROXIES=1",
        "extra_hosts", "Never on the gateway's machine", f"NODE_EXTRA_CA_CERTS={folder}/ca.pem",
        f"SSL_CERT_FILE={folder}/bundle.pem", f"REQUESTS_CA_BUNDLE={folder}/bundle.pem",
    ):  # fmt: skip
        assert word in result.output
    assert "PRIVATE" not in result.output


def test_one_that_is_good_is_left_alone(run: Run, folder: Path) -> None:  # noqa: F811
    run("graph", "certificate", "--folder", str(folder))
    before = (folder / CERTIFICATE).read_bytes()

    again = run("graph", "certificate", "--folder", str(folder))
    assert "nothing was changed" in again.output
    assert before == (folder / CERTIFICATE).read_bytes()

    renewed = run("graph", "certificate", "--folder", str(folder), "--renew")
    assert "Next:" not in renewed.output
    assert before != (folder / CERTIFICATE).read_bytes()


@pytest.mark.parametrize(("days", "word"), [(380, "ends"), (400, "ended")])
def test_one_that_ends_is_renewed(run: Run, folder: Path, days: int, word: str) -> None:  # noqa: F811
    old = make_certificate(folder, [HOST], utc_now() - timedelta(days=days))

    result = run("graph", "certificate", "--folder", str(folder))

    assert f"The certificate that was there {word} {old.ends:%Y-%m-%d}." in result.output
    state = read_state(folder)
    assert state is not None and state.ends > utc_now() + timedelta(days=390)


def test_names_come_from_the_settings(run: Run, app: Flask, folder: Path) -> None:  # noqa: F811
    config = with_settings(app.extensions["gateway"].config, graph_hosts=("graph.internal", HOST))
    app.extensions["gateway"] = Gateway.build(config, "0")
    run("graph", "certificate", "--folder", str(folder))
    state = read_state(folder)
    assert state is not None and state.hosts == ("graph.internal", HOST)

    app.extensions["gateway"] = Gateway.build(with_settings(config, graph_hosts=("graph.other",)), "0")
    refused = run("graph", "certificate", "--folder", str(folder))

    assert refused.exit_code == 1
    assert refused.output.startswith("Error: The authority in") or "Error: The authority in" in refused.output
