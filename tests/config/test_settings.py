from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from app.config.errors import ConfigError
from app.config.parsers import ROOT
from app.config.settings import load_config, setting_name, settings
from app.security.endpoint_urls import NEVER_CALLED, NOT_ALLOWED

FERNET = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OWN = {
    "API_KEY": "an-api-key-of-24-letters",
    "SECRET_KEY": "a-secret-key-of-at-least-32-letters",
    "ENCRYPTION_KEY": FERNET,
    "WHATSAPP_VERIFY_TOKEN": "verify-me",
}
SIMULATED = OWN | {"SIMULATOR_APP_SECRET": "simulated-app-secret"}
LIVE = OWN | {
    "WHATSAPP_ACCESS_TOKEN": "EAAG-live-token",
    "WHATSAPP_APP_SECRET": "0123456789abcdef0123456789abcdef",
    "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
}


def problems_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(environ)
    return caught.value.problems


def test_the_simulator_stands_in_for_meta_when_there_is_no_token() -> None:
    config = load_config(SIMULATED | {"PORT": "9100"})

    assert config.simulator is True
    assert config.whatsapp_access_token == "EAAsimulated"
    assert config.whatsapp_app_secrets == ("simulated-app-secret",)
    assert config.whatsapp_phone_number_id == "700100200300400"
    assert config.whatsapp_business_account_id == "900100200300400"
    assert config.graph_api_url == "http://127.0.0.1:9101"


def test_no_real_secret_vouches_while_the_simulator_stands_in() -> None:
    config = load_config(LIVE | SIMULATED | {"SIMULATOR": "true"})

    assert config.whatsapp_app_secrets == ("simulated-app-secret",)
    assert config.whatsapp_access_token == "EAAsimulated"
    assert config.whatsapp_phone_number_id == "106540352242922"


def test_a_token_and_a_secret_talk_to_meta() -> None:
    config = load_config(LIVE | {"WHATSAPP_APP_SECRET": "new-secret-0123456, old-secret-0123456"})

    assert config.simulator is False
    assert config.whatsapp_access_token == "EAAG-live-token"
    assert config.whatsapp_app_secrets == ("new-secret-0123456", "old-secret-0123456")
    assert config.graph_api_url == "https://graph.facebook.com"


def test_an_empty_text_is_a_setting_left_alone() -> None:
    emptied = {setting_name(setting): "  " for setting in settings()} | SIMULATED

    assert load_config(emptied) == load_config(SIMULATED)


def test_every_problem_is_reported_at_once_by_name() -> None:
    problems = problems_of({"PORT": "eighty", "LOG_LEVEL": "LOUD", "SIMULATOR": "maybe", "API_KEY": "short"})

    assert {problem.split(":")[0] for problem in problems} >= {
        "PORT",
        "LOG_LEVEL",
        "SIMULATOR",
        "API_KEY",
        "SECRET_KEY",
        "ENCRYPTION_KEY",
        "WHATSAPP_VERIFY_TOKEN",
    }


UNREADABLE = {
    "WHATSAPP_ACCESS_TOKEN": ["EAAG two words", "EAAG-ñandú"],
    "WHATSAPP_PHONE_NUMBER_ID": ["+5491112345678", "10654x", "１２３４５６"],
    "WHATSAPP_APP_SECRET": ["tooshort", "0123456789abcdef,", "0123456789abcdef,tooshort"],
    "WHATSAPP_VERIFY_TOKEN": ["ab cd efgh", "sevenly"],
    "GRAPH_API_URL": ["graph.facebook.com", "ftp://graph.example", "http://[::", "https://:443", "https://a:b.c",
                      "https://graph.facebook.com/v23.0", "https://graph.facebook.com/v23.0/"],
    "GRAPH_API_VERSION": ["26.0", "v26", "latest"],
    "GRAPH_TIMEOUT_SECONDS": ["0", "-1", "nan", "1e3", "twenty"],
    "GRAPH_PROXY": ["socks5://user:pass@proxy.example"],
    "API_KEY": ["only-twenty-three-chars"],
    "SECRET_KEY": ["only-thirty-one-characters-here"],
    "ENCRYPTION_KEY": ["AAAA", "not base64 at all", FERNET[:-5], "ab" * 31, f"{FERNET},"],
    "HOST": ["127.0.0.1 ; rm"],
    "PORT": ["0", "65536", "-1", "8000.0", "+8000", "8_000", "٨٠٠٠"],
    "TRUSTED_PROXIES": ["-1", "11", "yes"],
    "DEFAULT_REGION": ["arg", "ar", "54"],
    "SIMULATOR": ["maybe", "2", "truthy"],
    "BROKER_URL": ["mq", "http://mq/", "amqp://", "redis://host/cache", "REDIS_URL", "amqp://u:p@h:x/"],
    "DATABASE_URL": ["mysql://u:p@h/d", "sqlite://", "sqlite:///:memory:", "data.db", "postgresql://u:p@h:x/d",
                     "postgresql://u:p@h", "postgresql://u:p@h/", "postgresql://u:p@ss@h/d", "postgresql://u:p/ss@h/d",
                     "postgresql://u:p#ss@h/d"],
    "CACHE_URL": ["redis", "http://h/", "redis://", "rediss:///0", "redis://h h/"],
    "DATABASE_POOL_SIZE": ["0"],
    "WORKER": ["none"],
    "WEB_CONCURRENCY": ["0", "auto"],
    "WEB_WORKER_CLASS": ["eventlet"],
    "DRAIN_SECONDS": ["5s"],
    "LOG_LEVEL": ["TRACE"],
    "LOG_FORMAT": ["yaml"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in UNREADABLE.items() for text in texts])
def test_a_setting_that_cannot_be_read_is_named(name: str, text: str) -> None:
    problems = problems_of(LIVE | {name: text})

    assert [problem.split(":")[0] for problem in problems] == [name]


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_that_became_part_of_a_value_are_told_of_each_setting(quote: str) -> None:
    """Docker's --env-file and some hosts' forms keep them, and a token with quotes is as good as a wrong one."""
    problems = problems_of({name: f"{quote}{text}{quote}" for name, text in (LIVE | {"PORT": "8000"}).items()})

    assert {problem.split(":")[0] for problem in problems} >= {*LIVE, "PORT"}
    assert sum("stands in quotes" in problem for problem in problems) == len(LIVE) + 1
    assert "EAAG" not in str(problems)


@pytest.mark.parametrize("text", ["hunter 22", "hunter://hunter 22@[hunter 22", "https://u:hunter 22@h:port/"])
def test_no_problem_quotes_a_value(text: str) -> None:
    problems = problems_of({setting_name(setting): text for setting in settings()})

    assert len(problems) > 20
    assert "hunter" not in str(problems)


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        (OWN | {"SIMULATOR": "true"}, "SIMULATOR_APP_SECRET"),
        (SIMULATED | {"SIMULATOR": "false"}, "WHATSAPP_ACCESS_TOKEN"),
        ({**LIVE, "WHATSAPP_APP_SECRET": ""}, "WHATSAPP_APP_SECRET"),
        ({**LIVE, "WHATSAPP_PHONE_NUMBER_ID": ""}, "WHATSAPP_PHONE_NUMBER_ID"),
        (LIVE | {"DYNO": "web.1"}, "DATABASE_URL"),
        (LIVE | {"DYNO": "web.1", "DATABASE_URL": "sqlite:///data/x.db"}, "DATABASE_URL"),
        (LIVE | {"BROKER_URL": "amqp://mq/"}, "BROKER_URL (or CLOUDAMQP_URL, RABBITMQ_URL)"),
        (LIVE | {"CLOUDAMQP_URL": "amqp://mq/"}, "BROKER_URL (or CLOUDAMQP_URL, RABBITMQ_URL)"),
        (SIMULATED | {"PORT": "65535"}, "PORT"),
        (LIVE | {"METRICS_PORT": "8000"}, "METRICS_PORT"),
        (LIVE | {"RETENTION_MESSAGES_DAYS": "7"}, "RETENTION_MESSAGES_DAYS"),
        (LIVE | {"RETENTION_EVENTS_DAYS": "20"}, "RETENTION_EVENTS_DAYS"),
        (LIVE | {"RETENTION_NOTIFICATIONS_DAYS": "1", "RETENTION_EVENTS_DAYS": "7"}, "RETENTION_EVENTS_DAYS"),
        (LIVE | {"BACKUP_RECIPIENT": "age1none"}, "BACKUP_RECIPIENT"),
    ],
)
def test_settings_that_cannot_work_together_are_refused(environ: dict[str, str], name: str) -> None:
    assert name in [problem.split(":")[0] for problem in problems_of(environ)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://u:p%40ss@db:5432/wa?sslmode=require", "postgresql+psycopg://u:p%40ss@db:5432/wa?sslmode=require"),
        ("postgresql://db/wa", "postgresql+psycopg://db/wa"),
        ("postgresql+psycopg://db/wa", "postgresql+psycopg://db/wa"),
        ("sqlite:////var/lib/wa.db", "sqlite:////var/lib/wa.db"),
        ("sqlite:///data/wa.db", f"sqlite:///{ROOT}/data/wa.db"),
        ("", f"sqlite:///{ROOT}/data/whatsapp.db"),
    ],
)
def test_a_database_url_becomes_what_sqlalchemy_reads(text: str, expected: str) -> None:
    assert load_config(SIMULATED | {"DATABASE_URL": text}).database_url == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ""),
        ({"REDIS_URL": "redis://cache"}, ""),
        ({"RABBITMQ_URL": "amqp://b"}, "amqp://b"),
        ({"CLOUDAMQP_URL": "amqps://a/x", "RABBITMQ_URL": "amqp://b"}, "amqps://a/x"),
        ({"BROKER_URL": "redis://c/1", "CLOUDAMQP_URL": "amqps://a/x"}, "redis://c/1"),
        ({"BROKER_URL": "REDIS_URL", "REDIS_URL": "rediss://:p@d:6380"}, "rediss://:p@d:6380"),
    ],
)
def test_a_broker_is_found_under_the_names_that_hosts_give_it(environ: dict[str, str], expected: str) -> None:
    config = load_config(SIMULATED | {"DATABASE_URL": "postgresql://db/wa"} | environ)

    assert config.broker_url == expected


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("ON", True), ("1", True), ("no", False), ("0", False)])
def test_a_flag_is_read_in_any_of_the_usual_words(text: str, expected: bool) -> None:
    assert load_config(LIVE | SIMULATED | {"SIMULATOR": text}).simulator is expected


def test_it_listens_on_every_address_only_where_a_platform_routes_to_it() -> None:
    platform = SIMULATED | {"DYNO": "web.1", "DATABASE_URL": "postgres://u:p@db/wa"}

    assert load_config(SIMULATED | {"PORT": "9000"}).host == "127.0.0.1"
    assert load_config(platform).host == "0.0.0.0"
    assert load_config(platform | {"HOST": "10.0.0.5"}).host == "10.0.0.5"


def test_encryption_keys_may_be_several_and_written_in_hex() -> None:
    config = load_config(SIMULATED | {"ENCRYPTION_KEY": f"{b'0123456789'.hex() * 3}3031, {FERNET}"})

    assert config.encryption_key == (FERNET, FERNET)


def test_a_secret_may_be_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "api_key"
    secret.write_text("an-api-key-out-of-a-file\n")

    config = load_config(SIMULATED | {"API_KEY": "", "API_KEY_FILE": str(secret)})

    assert config.api_key == "an-api-key-out-of-a-file"


def test_a_secret_set_twice_or_in_an_unreadable_file_is_a_problem(tmp_path: Path) -> None:
    twice = problems_of(SIMULATED | {"API_KEY_FILE": str(tmp_path)})
    unreadable = problems_of(SIMULATED | {"API_KEY": "", "API_KEY_FILE": str(tmp_path / "missing")})

    assert twice[0].startswith("API_KEY: is set, and API_KEY_FILE too")
    assert unreadable == ["API_KEY: the file that API_KEY_FILE names cannot be read (FileNotFoundError)"]


def test_a_misspelt_setting_gets_a_warning() -> None:
    environ = SIMULATED | {"WHATSAPP_ACESS_TOKEN": "EAAG", "WHATSAPP_COLOUR": "green", "LOG_LEVLE": "x", "HOME": "/"}

    assert load_config(environ).warnings == (
        "LOG_LEVLE is not a setting; LOG_LEVEL is",
        "WHATSAPP_ACESS_TOKEN is not a setting; WHATSAPP_ACCESS_TOKEN is",
        "WHATSAPP_COLOUR is not a setting",
    )


def test_the_text_of_a_config_shows_no_secret() -> None:
    addresses = {"GRAPH_PROXY": "http://me:hunter22@proxy", "DATABASE_URL": "postgres://u:swordfish@db/wa"}
    config = load_config(LIVE | SIMULATED | addresses | {"SIMULATOR": "no"})

    shown = repr(config)

    assert config.secret_values() == set(SIMULATED.values()) | {
        "EAAG-live-token",
        "0123456789abcdef0123456789abcdef",
        "hunter22",
        "swordfish",
    }
    assert not [secret for secret in config.secret_values() if secret in shown]
    assert "v26.0" in shown


def test_a_config_cannot_be_changed() -> None:
    config = load_config(SIMULATED)

    with pytest.raises(dataclasses.FrozenInstanceError):
        config.port = 1  # type: ignore[misc]


def test_networks_may_name_a_port() -> None:
    written = "10.0.0.0/8, 127.0.0.1:9000, [fd00::/8]:8443, fd01::/16, [fd02::1]"

    found = load_config(LIVE | {"FORWARD_ALLOW_NETS": written}).forward_allow_nets

    assert [str(each) if not isinstance(each, tuple) else (str(each[0]), each[1]) for each in found] == [
        "10.0.0.0/8", ("127.0.0.1/32", 9000), ("fd00::/8", 8443), "fd01::/16", "fd02::1/128"
    ]  # fmt: skip


@pytest.mark.parametrize("written", ["10.0.0.0/8:0", "10.0.0.0/8:65536", "10.0.0.0/8:", "[fd00::/8", "host:80"])
def test_what_is_no_network_or_port_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="FORWARD_ALLOW_NETS"):
        load_config(LIVE | {"FORWARD_ALLOW_NETS": written})


FORWARDING = LIVE | {"FORWARD_SECRET": f"whsec_{'MDEy' * 8}"}


@pytest.mark.parametrize(
    ("url", "allowed", "problem"),
    [
        ("http://10.1.2.3:9000/events", "", NOT_ALLOWED),
        ("http://10.1.2.3:9000/events", "192.168.0.0/16,10.0.0.0/8:8080", NOT_ALLOWED),
        ("http://127.0.0.1:9000/events", "", NOT_ALLOWED),
        ("http://127.1/events", "", NOT_ALLOWED),
        ("http://2130706433/events", "", NOT_ALLOWED),
        ("http://[::1]:9000/events", "127.0.0.0/8", NOT_ALLOWED),
        ("http://localhost:9000/events", "", NOT_ALLOWED),
        ("http://LOCALHOST./events", "10.0.0.0/8", NOT_ALLOWED),
        ("http://bot.localhost/events", "", NOT_ALLOWED),
        ("http://169.254.169.254/events", "0.0.0.0/0", NEVER_CALLED),
        ("http://[fe80::1]/events", "::/0", NEVER_CALLED),
        ("https://user:password@bot.example/events", "", "must not hold a user or a password"),
    ],
)
def test_a_forward_url_that_can_never_be_called_is_refused(url: str, allowed: str, problem: str) -> None:
    assert problems_of(FORWARDING | {"FORWARD_URL": url, "FORWARD_ALLOW_NETS": allowed}) == [f"FORWARD_URL: {problem}"]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://10.1.2.3:9000/events", "10.0.0.0/8:9000"),
        ("http://127.0.0.1:9000/events", "127.0.0.1/32"),
        ("http://localhost:9000/events", "127.0.0.1/32"),
        ("http://localhost:9000/events", "[::1/128]:9000"),
        ("https://93.184.215.14/events", ""),
        ("https://bot.example/events/", ""),
        ("http://bot/events", ""),
        ("https://localhost.example/events", ""),
    ],
)
def test_a_forward_url_that_may_be_called_is_not(url: str, allowed: str) -> None:
    assert load_config(FORWARDING | {"FORWARD_URL": url, "FORWARD_ALLOW_NETS": allowed}).forward_url == url


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"INBOX_USER_HEADER": "X-Forwarded-User"}, "INBOX_USER_HEADER: needs TRUSTED_PROXIES"),
        ({"INBOX_USER_HEADER": "Cookie", "TRUSTED_PROXIES": "1"}, "must be a header that only your proxy sets"),
        ({"INBOX_USER_HEADER": "X_User", "TRUSTED_PROXIES": "1"}, "must be the name of a header"),
        ({"INBOX_IDLE_HOURS": "0"}, "INBOX_IDLE_HOURS: must be a whole number"),
    ],
)
def test_settings_that_would_let_anybody_into_the_inbox_are_refused(more: dict[str, str], words: str) -> None:
    (problem,) = problems_of(LIVE | more)

    assert words in problem
