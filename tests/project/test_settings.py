"""The settings that exist are the settings that are explained."""

from __future__ import annotations

import json
import re

import pytest

from app.config.parsers import ROOT
from app.config.settings import load_config, setting_name, settings

SECRETS = {
    "API_KEY": "an-api-key-of-24-letters",
    "SECRET_KEY": "a-secret-key-of-at-least-32-letters",
    "ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "WHATSAPP_VERIFY_TOKEN": "verify-me",
    "SIMULATOR_APP_SECRET": "simulated-app-secret",
}


def test_env_example_lists_every_setting_once_and_nothing_else() -> None:
    listed = [name for name, _ in env_example()]

    assert sorted(listed) == sorted(setting_name(setting) for setting in settings())


def test_the_defaults_in_env_example_are_the_defaults() -> None:
    written = {name: text for name, text in env_example() if text}
    simulated = SECRETS | {"GRAPH_API_URL": written["GRAPH_API_URL"]}  # the simulator's own address otherwise

    assert load_config(SECRETS | written) == load_config(simulated)


@pytest.mark.parametrize("setting", [setting_name(setting) for setting in settings()])
def test_env_example_says_what_a_setting_is_for_or_its_name_does(setting: str) -> None:
    text = (ROOT / ".env.example").read_text()
    explained = re.search(rf"^# .+\n#?{setting}=", text, re.MULTILINE)

    assert explained or setting in {"WHATSAPP_APP_ID", "PORT", "GRAPH_API_VERSION"}


def test_app_json_asks_for_settings_that_exist() -> None:
    asked = json.loads((ROOT / "app.json").read_text())["env"]

    assert set(asked) <= {setting_name(setting) for setting in settings()}


def test_a_platforms_generated_secrets_are_good_secrets() -> None:
    """Heroku's generator makes 64 hexadecimal digits."""
    asked = json.loads((ROOT / "app.json").read_text())["env"]
    generated = {name: "0123456789abcdef" * 4 for name, about in asked.items() if about.get("generator") == "secret"}
    fixed = {name: about["value"] for name, about in asked.items() if "value" in about}

    config = load_config(
        generated | fixed | {"DYNO": "web.1", "DATABASE_URL": "postgres://u:p@db/wa", "PORT": "5000"}
    )

    assert config.simulator is True
    assert config.trusted_proxies == 1


def env_example() -> list[tuple[str, str]]:
    return re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)


@pytest.mark.parametrize("setting", [setting_name(setting) for setting in settings()])
def test_the_page_of_settings_lists_every_setting(setting: str) -> None:
    assert f"\n| `{setting}`" in (ROOT / "docs" / "settings.md").read_text()
