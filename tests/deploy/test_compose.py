"""compose.yaml: read by compose itself, its files exist, and its secrets are fresh and known to nobody."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config.settings import load_config
from tests.load.gateway import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
GATEWAYS = ("web-1", "web-2", "worker-1", "worker-2")


def make_secrets(folder: Path) -> Path:
    """Run the command that makes them, in a copy of the project."""
    script = folder / "deploy" / "compose" / "secrets.sh"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "compose" / "secrets.sh", script)
    subprocess.run([script], check=True, capture_output=True, timeout=30)
    return folder / "secrets"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_secrets(tmp_path_factory.mktemp("project"))


def test_compose_reads_it(made: Path) -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("no docker-compose here")
    shutil.copy(ROOT / "compose.yaml", made.parent)
    profiles = sorted({each for service in SERVICES.values() for each in service.get("profiles", [])})

    for chosen in ([], profiles):
        options = [word for profile in chosen for word in ("--profile", profile)]
        done = subprocess.run(
            [program, *options, "config"], cwd=made.parent, env={"PATH": os.environ["PATH"]}, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        read = yaml.safe_load(done.stdout)["services"]
        assert read["worker-2"]["command"] == ["worker"] and read["web-2"]["environment"]["WORKER"] == "external"


def test_every_file_that_it_mounts_is_there(made: Path) -> None:
    mounted = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in [*service.get("volumes", []), *service.get("env_file", [])]
        if volume.startswith("./")
    } | {secret["file"] for secret in COMPOSE["secrets"].values()}

    assert [path for path in mounted if not (made.parent / path).exists() and not (ROOT / path).exists()] == []


def test_no_password_is_written_down_or_made_twice(made: Path, tmp_path: Path) -> None:
    other = make_secrets(tmp_path)

    names = sorted(path.name for path in made.iterdir() if path.name != "metrics_key")
    assert [name for name in names if (made / name).read_text() == (other / name).read_text()] == []
    single = [(made / name).read_text() for name in names if (made / name).stat().st_size == 64]
    assert len(set(single)) == len(single) >= 8
    asked = {name for service in SERVICES.values() for name in service.get("environment", {}) if "PASSWORD" in name}
    assert asked == {"POSTGRES_PASSWORD_FILE", "GF_SECURITY_ADMIN_PASSWORD__FILE", "ELASTIC_PASSWORD_FILE"}


def test_only_their_owner_reaches_the_secrets_and_every_container_can_read_its_own(made: Path) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()}
    assert (modes.pop("meta.env"), modes.pop("metrics_key")) == (0o600, 0o644)
    assert set(modes.values()) == {0o444}


def test_what_is_there_stays(made: Path) -> None:
    before = {path.name: path.read_bytes() for path in made.iterdir()}

    done = subprocess.run([made.parent / "deploy/compose/secrets.sh"], check=True, capture_output=True, timeout=30)

    assert done.stdout == b"" and {path.name: path.read_bytes() for path in made.iterdir()} == before


@pytest.mark.parametrize("service", GATEWAYS)
def test_the_gateway_takes_these_settings(made: Path, service: str) -> None:
    given: dict[str, str] = {}
    for name, text in SERVICES[service]["environment"].items():
        given[name] = text.replace("/run/secrets", str(made))
    for line in (made / "meta.env").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, given[name] = line.partition("=")

    config = load_config(given)

    assert config.warnings == () and not config.simulator and config.broker_url
    assert config.database_url.startswith("postgresql") and config.worker == "external"
    secrets = {Path(text).name for name, text in SERVICES[service]["environment"].items() if name.endswith("_FILE")}
    assert secrets == set(SERVICES[service]["secrets"])


def test_containers_have_no_more_rights_than_they_need() -> None:
    ours = [name for name in SERVICES if name not in ("postgres", "rabbitmq", "elasticsearch")]

    assert [name for name in ours if not SERVICES[name].get("read_only")] == []
    assert [name for name in ours if SERVICES[name].get("cap_drop") != ["ALL"]] == []
    assert [name for name in SERVICES if "no-new-privileges:true" not in SERVICES[name]["security_opt"]] == []
    closed = ("postgres", "rabbitmq", "redis", "elasticsearch")
    assert [name for name in closed if SERVICES[name]["networks"] != ["inside"]] == []
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(published)[:1] == ["${PUBLISH:-127.0.0.1:8080}:8080"] and "127.0.0.1:8001:8001" in published


def test_a_container_is_given_the_time_that_a_stop_takes() -> None:
    for name in GATEWAYS:
        service = SERVICES[name]
        assert int(service["stop_grace_period"].rstrip("s")) >= int(service["environment"]["DRAIN_SECONDS"]) + 30
