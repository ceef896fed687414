"""Every setting, read once and strictly into one frozen object.

A setting is a line of `Config`: its name in lower case, its default, and how its text is read. An empty text counts as
not set. All problems are found before any is reported, each by the setting's name and its remedy, never by its value.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from app.config import parsers
from app.config.contradictions import RUN_SH_MAKES_IT, contradictions
from app.config.errors import ConfigError
from app.config.parsers import ROOT, Parser, WrongSetting
from app.security.endpoint_urls import AllowedNetwork

SIMULATOR_TOKEN = "EAAsimulated"
"""The token of the simulated Meta. A word of its own: it is taken out of whatever Graph answers."""


def _setting(
    default: Any,
    read: Parser = str,
    *,
    name: str = "",
    secret: bool = False,
    required: bool = False,
    names_of_hosts: tuple[str, ...] = (),
) -> Any:
    """Declare a setting. A secret is kept out of `repr()` and may be read from the file that `<NAME>_FILE` names.

    `names_of_hosts` are what hosting platforms call it, the first that is set counting: read where it is not set
    itself. Its own text may also be the name of another variable, as BROKER_URL=REDIS_URL, if there are such names.
    """
    return field(
        default=default,
        repr=not secret,
        metadata={
            "read": read, "name": name, "secret": secret, "required": required, "names_of_hosts": names_of_hosts
        },
    )  # fmt: skip


@dataclass(frozen=True)
class Config:
    """The settings of one process. `repr()` shows no secret."""

    whatsapp_access_token: str = _setting("", parsers.secret_text(1), secret=True)
    whatsapp_phone_number_id: str = _setting("", parsers.digits)
    whatsapp_business_account_id: str = _setting("", parsers.digits)
    whatsapp_app_id: str = _setting("", parsers.digits)
    whatsapp_app_secrets: tuple[str, ...] = _setting(
        (), parsers.list_of(parsers.secret_text(16)), name="WHATSAPP_APP_SECRET", secret=True
    )
    whatsapp_verify_token: str = _setting("", parsers.secret_text(8), secret=True, required=True)
    graph_api_url: str = _setting("https://graph.facebook.com", parsers.graph_url)
    graph_api_version: str = _setting("v26.0", parsers.matching(r"v[0-9]{1,3}\.[0-9]", "must look like v26.0"))
    graph_timeout_seconds: float = _setting(20.0, parsers.seconds)
    graph_proxy: str = _setting("", parsers.url, secret=True)
    graph_key_in_request: bool = _setting(True, parsers.boolean)
    graph_hosts: tuple[str, ...] = _setting((), parsers.list_of(parsers.host_name))

    api_key: str = _setting("", parsers.secret_text(24), secret=True, required=True)
    secret_key: str = _setting("", parsers.secret_text(32), secret=True, required=True)
    encryption_key: tuple[str, ...] = _setting((), parsers.list_of(parsers.fernet_key), secret=True, required=True)
    public_url: str = _setting("", parsers.url)
    host: str = _setting("127.0.0.1", parsers.address)
    port: int = _setting(8000, parsers.integer(1, 65535))
    trusted_proxies: int = _setting(0, parsers.integer(0, 10))
    default_region: str = _setting(
        "", parsers.matching(r"[A-Z]{2}", "must be a country's two capital letters, such as AR")
    )
    simulator: bool = _setting(False, parsers.boolean)
    simulator_app_secret: str = _setting("", parsers.secret_text(16), secret=True)

    inbox_idle_hours: int = _setting(72, parsers.integer(1, 8760))
    inbox_session_days: int = _setting(30, parsers.integer(1, 365))
    inbox_user_header: str = _setting("", parsers.header_name)

    database_url: str = _setting(f"sqlite:///{ROOT}/data/whatsapp.db", parsers.database_url, secret=True)
    database_pool_size: int = _setting(3, parsers.integer(1, 500))
    broker_url: str = _setting(
        "", parsers.broker_url, secret=True, names_of_hosts=("CLOUDAMQP_URL", "RABBITMQ_URL")
    )  # fmt: skip
    cache_url: str = _setting("", parsers.redis_url, secret=True)
    media_dir: str = _setting(str(ROOT / "data" / "media"), parsers.directory)
    media_s3_bucket: str = _setting("", parsers.bucket)
    media_s3_endpoint: str = _setting("", parsers.url)
    media_s3_region: str = _setting("us-east-1", parsers.matching(r"[a-z0-9-]{2,40}", "must look like eu-central-1"))
    media_s3_prefix: str = _setting("", parsers.matching(r"[a-z0-9-]{1,40}(/[a-z0-9-]{1,40})*", "must look like a/b"))
    media_s3_access_key: str = _setting("", parsers.secret_text(1), secret=True)
    media_s3_secret_key: str = _setting("", parsers.secret_text(1), secret=True)
    media_shrink_images: bool = _setting(False, parsers.boolean)
    media_fetch_links: str = _setting("off", parsers.one_of("off", "on_failure", "always"))
    media_fetch_allow_nets: tuple[AllowedNetwork, ...] = _setting((), parsers.list_of(parsers.network))
    storage_limit_mb: int = _setting(0, parsers.integer(0, 100_000_000))

    retention_notifications_days: int = _setting(30, parsers.days)
    retention_messages_days: int = _setting(0, parsers.days)
    retention_media_days: int = _setting(0, parsers.days)
    retention_uploads_days: int = _setting(30, parsers.days)
    retention_attempts_days: int = _setting(30, parsers.days)
    retention_events_days: int = _setting(0, parsers.days)
    retention_audit_days: int = _setting(0, parsers.days)
    erasure_ledger: str = _setting(str(ROOT / "data" / "erasures.jsonl"), parsers.directory)
    backup_dir: str = _setting("", parsers.directory)
    backup_every_hours: int = _setting(1, parsers.integer(1, 720))
    backup_keep: int = _setting(24, parsers.integer(1, 10_000))
    backup_s3_endpoint: str = _setting("", parsers.url)
    backup_s3_region: str = _setting("", parsers.matching(r"[a-z0-9-]{2,40}", "must look like eu-central-1"))
    backup_s3_access_key: str = _setting("", parsers.secret_text(1), secret=True)
    backup_s3_secret_key: str = _setting("", parsers.secret_text(1), secret=True)
    backup_recipients: tuple[str, ...] = _setting((), parsers.list_of(parsers.age_recipient), name="BACKUP_RECIPIENT")
    worker: str = _setting("embedded", parsers.one_of("embedded", "external"))
    api_requests_per_second: int = _setting(0, parsers.integer(0, 10_000))
    web_concurrency: int = _setting(min(2, os.cpu_count() or 1), parsers.integer(1, 128))
    web_worker_class: str = _setting("gevent", parsers.one_of("gevent", "gthread", "sync"))
    web_threads: int = _setting(16, parsers.integer(1, 1000))
    worker_threads: int = _setting(32, parsers.integer(1, 256))
    drain_seconds: int = _setting(0, parsers.integer(0, 600))
    metrics_port: int = _setting(0, parsers.integer(0, 65535))
    metrics_host: str = _setting("127.0.0.1", parsers.address)
    otel_exporter_otlp_endpoint: str = _setting("", parsers.url)

    forward_url: str = _setting("", parsers.secret_url, secret=True)
    forward_secret: str = _setting("", parsers.secret_text(16), secret=True)
    forward_format: str = _setting("event", parsers.one_of("event", "meta"))
    forward_replies: bool = _setting(False, parsers.boolean)
    forward_allow_nets: tuple[AllowedNetwork, ...] = _setting((), parsers.list_of(parsers.network))

    echo_bot: bool = _setting(True, parsers.boolean)
    handlers: str = _setting(
        "", parsers.matching(r"[^\W\d]\w*(\.[^\W\d]\w*)*", "must be a module, as mybot.handlers")
    )
    handler_processes: int = _setting(4, parsers.integer(1, 64))
    handler_seconds: int = _setting(30, parsers.integer(1, 3600))
    handover_hours: int = _setting(12, parsers.integer(1, 8760))

    messages_per_second: float = _setting(80.0, parsers.rate)
    unknown_send_policy: str = _setting("held", parsers.one_of("held", "resend"))
    unknown_send_seconds: int = _setting(600, parsers.integer(1, 2_592_000))
    opt_out_words: tuple[str, ...] = _setting((), parsers.list_of(parsers.word))

    alert_url: str = _setting("", parsers.secret_url, secret=True)
    alert_email: tuple[str, ...] = _setting((), parsers.list_of(parsers.mail_address))
    smtp_url: str = _setting("", parsers.smtp_url, secret=True)

    log_level: str = _setting("INFO", parsers.one_of("DEBUG", "INFO", "WARNING", "ERROR"))
    log_dir: str = _setting(str(ROOT / "logs"), parsers.directory)
    log_format: str = _setting("text", parsers.one_of("text", "json"))

    warnings: tuple[str, ...] = ()
    keeps_media: bool = True
    """Whether files of messages are fetched and kept. Not on a disk that is thrown away, unless there is a bucket."""

    @property
    def starts_echo_bot(self) -> bool:
        """Whether nobody whom the settings name answers what is written through the simulator."""
        return self.simulator and self.echo_bot and not self.handlers and not self.forward_url

    def secret_values(self) -> set[str]:
        """Return every text that must not reach a log: each secret, and the password inside a secret address."""
        found: set[str] = set()
        for setting in settings():
            value = getattr(self, setting.name)
            if setting.metadata["read"] in (
                parsers.url, parsers.graph_url, parsers.database_url, parsers.broker_url, parsers.redis_url,
                parsers.smtp_url,
            ):  # fmt: skip
                password = urlsplit(value).password or ""
                found |= {password, unquote(password)}
            elif setting.metadata["secret"]:
                found |= {value} if isinstance(value, str) else set(value)
        return found - {"", SIMULATOR_TOKEN}


def settings() -> tuple[Field[Any], ...]:
    """Return the fields of `Config` that are settings."""
    return tuple(each for each in fields(Config) if each.metadata)


def setting_name(setting: Field[Any]) -> str:
    """Return the environment variable that a field of `Config` is read from."""
    return setting.metadata["name"] or setting.name.upper()


def load_config(environ: Mapping[str, str]) -> Config:
    """Return the settings that `environ` asks for, or raise `ConfigError` with everything that is wrong with them."""
    given, problems = _read_given(environ)
    on_platform = bool(environ.get("DYNO"))  # Heroku and its like: a router calls, and the disk is thrown away
    if on_platform:
        given.setdefault("host", "0.0.0.0")
    given.setdefault("simulator", "whatsapp_access_token" not in given)
    problems += contradictions(given, vars(Config), on_platform)
    if problems:
        raise ConfigError(problems)
    if given["simulator"]:
        given |= _simulated(given)
    keeps_media = not on_platform or "media_s3_bucket" in given or "media_dir" in given
    return Config(**given, warnings=tuple(_misspelt(environ)), keeps_media=keeps_media)


def _read_given(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the settings that are set, and the problems. One that cannot be read is given as its default."""
    given: dict[str, Any] = {}
    problems = []
    for setting in settings():
        try:
            text = _text_of(setting, environ)
            if text:
                given[setting.name] = setting.metadata["read"](text)
            elif setting.metadata["required"]:
                raise WrongSetting(RUN_SH_MAKES_IT)
        except WrongSetting as wrong:
            given[setting.name] = setting.default
            problems.append(f"{setting_name(setting)}: {wrong}")
    return given, problems


def _text_of(setting: Field[Any], environ: Mapping[str, str]) -> str:
    """Return the setting's text, from its variable or, for a secret, from the file that `<NAME>_FILE` names."""
    name = setting_name(setting)
    text, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        raise WrongSetting(
            "stands in quotes that became part of it, as by docker's --env-file; write it without them"
        )
    if setting.metadata["names_of_hosts"] and not path:
        return _by_name(setting, text, environ)
    if not path or not setting.metadata["secret"]:
        return text
    if text:
        raise WrongSetting(f"is set, and {name}_FILE too; keep one of them")
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, ValueError) as err:
        raise WrongSetting(f"the file that {name}_FILE names cannot be read ({type(err).__name__})") from None


def _by_name(setting: Field[Any], text: str, environ: Mapping[str, str]) -> str:
    """Return what stands under the name that `text` is, or else under the first name of a host's that is set."""
    if re.fullmatch(r"[A-Z][A-Z0-9_]*", text):
        if not environ.get(text, "").strip():
            raise WrongSetting(f"names {text}, which is not set")
        return environ[text].strip()
    found = (environ.get(name, "").strip() for name in setting.metadata["names_of_hosts"])
    return text or next((each for each in found if each), "")


def _simulated(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what changes when the simulator stands in for Meta: no real token is used, no real secret vouches."""
    return {
        "whatsapp_access_token": SIMULATOR_TOKEN,
        "whatsapp_app_secrets": (given["simulator_app_secret"],),
        "whatsapp_phone_number_id": given.get("whatsapp_phone_number_id", "700100200300400"),
        "whatsapp_business_account_id": given.get("whatsapp_business_account_id", "900100200300400"),
        "graph_api_url": given.get("graph_api_url", f"http://127.0.0.1:{given.get('port', Config.port) + 1}"),
    }


def _misspelt(environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each variable that looks like a setting and is none."""
    known = {setting_name(setting) for setting in settings()}
    files = {f"{setting_name(setting)}_FILE" for setting in settings() if setting.metadata["secret"]}
    warnings = []
    for name in sorted(set(environ) - known - files):
        meant = difflib.get_close_matches(name.upper(), known | files, n=1, cutoff=0.88)
        if meant:
            warnings.append(f"{name} is not a setting; {meant[0]} is")
        elif name.startswith(("WHATSAPP_", "GRAPH_")):
            warnings.append(f"{name} is not a setting")
    return warnings
