"""Installations that are broken on purpose: the doctor names each, with its remedy."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis

from app.config.settings import setting_name
from app.config.settings import settings as setting_fields
from app.services.doctor import Line, apply, storage_checks
from app.services.doctor.catalogue import CHECKS
from app.services.doctor.types import State
from app.store import upkeep, workers
from simulator.settings import BusinessNumber
from tests.services.doctor import habits
from tests.services.doctor.conftest import APP_ID, VERIFY, Installation
from tests.test_cache import own_redis

NUMBER, ACCOUNT = BusinessNumber.phone_number_id, BusinessNumber.waba_id
DAY = 86400


@dataclass(frozen=True)
class Case:
    """What is broken, which check notices, how grave it is, and words of the finding and of the remedy."""

    name: str
    breaks: Callable[[Installation], object]
    check: str
    state: State
    found: str
    remedy: str


def number(**fields: object) -> Callable[[Installation], object]:
    return lambda it: it.meta.standing.change_number(NUMBER, fields)


def token(**facts: object) -> Callable[[Installation], object]:
    return lambda it: it.meta.standing.change_token(APP_ID, **facts)


def account(**facts: bool) -> Callable[[Installation], object]:
    return lambda it: it.meta.standing.change_account(ACCOUNT, **facts)


def behind(habit: habits.Habit) -> Callable[[Installation], object]:
    return lambda it: it.serve(habit)


def settings(**values: str) -> Callable[[Installation], object]:
    return lambda it: it.set(**values)


def readable_env(it: Installation) -> None:
    (it.folder / ".env").write_text("PORT=8000\n")
    (it.folder / ".env").chmod(0o644)


def unmigrated(it: Installation) -> None:
    (it.folder / "whatsapp.db").unlink()


def damaged(it: Installation) -> None:
    (it.folder / "whatsapp.db").write_bytes(b"This is no database." * 500)


def on_nfs(it: Installation) -> None:
    mounts = f"/dev/sda1 / ext4 rw 0 0\nserver:/x {it.folder} nfs4 rw 0 0\n"
    it.monkeypatch.setattr(storage_checks, "_mounts", lambda: mounts)


def no_room(it: Installation) -> None:
    usage = type("Usage", (), {"used": 99_900_000_000, "free": 100_000_000})
    it.monkeypatch.setattr(storage_checks.shutil, "disk_usage", lambda place: usage)


def file_for_folder(name: str) -> Callable[[Installation], object]:
    def act(it: Installation) -> None:
        (it.folder / name).rmdir()
        (it.folder / name).write_text("")

    return act


def old_snapshot(it: Installation) -> None:
    gateway = it.gateway()
    with gateway.database.write() as session:
        upkeep.note(session, upkeep.SNAPSHOT_WRITTEN, at=datetime.now(UTC) - timedelta(days=2))


def silent_worker(it: Installation) -> None:
    now = datetime.now(UTC)
    with it.gateway().database.write() as session:
        workers.seen(session, "w1", now - timedelta(minutes=5), now - timedelta(days=1))


def two_keys(it: Installation) -> None:
    now = datetime.now(UTC)
    with it.gateway().database.write() as session:
        for name in ("one", "two"):
            told = f'{{"HANDLERS": ["{name}"]}}'
            workers.seen(session, name, now, now - timedelta(days=1), name, joined_at=now, settings=told)


def callback_elsewhere(it: Installation) -> None:
    it.serve()
    own = it.meta.simulator.world.subscriptions.get(APP_ID)
    assert own is not None
    own.callback_url = "https://old.example/webhook"


def override(it: Installation) -> None:
    own = it.meta.simulator.world.subscriptions.get(APP_ID)
    assert own is not None
    own.numbers[NUMBER] = "https://other.example/hook"
    it.serve()


def messages_not_asked(it: Installation) -> None:
    own = it.meta.simulator.world.subscriptions.get(APP_ID)
    assert own is not None
    own.callback_url, own.fields = f"{it.serve()}/webhook/whatsapp", frozenset({"account_update"})


def unsubscribed(it: Installation) -> None:
    own = it.meta.simulator.world.subscriptions.get(APP_ID)
    assert own is not None
    own.accounts.clear()


def rejected_template(it: Installation) -> None:
    world = it.meta.simulator.world
    world.templates.add(ACCOUNT, "promo", "es", "MARKETING", [], "POSITIONAL").status = "REJECTED"


def cache_of_another_kind(it: Installation) -> None:
    port = urlsplit(it.serve()).port
    it.set(CACHE_URL=f"redis://127.0.0.1:{port}/0")


def mail_without_tls(it: Installation) -> None:
    port = urlsplit(it.serve()).port
    it.set(SMTP_URL=f"smtps://127.0.0.1:{port}", ALERT_EMAIL="ana@example.org")


REAL = {
    "SIMULATOR": "false", "WHATSAPP_ACCESS_TOKEN": "EAAsimulated", "WHATSAPP_APP_SECRET": "q8Zt3vLw0pXn5rKd",
    "WHATSAPP_PHONE_NUMBER_ID": NUMBER,
}  # fmt: skip
"""Meta itself, as far as the settings know."""
SOON = int(time.time()) + 3 * 3600
WARN, FAIL = State.WARN, State.FAIL
CASES = [
    Case("a misspelt setting", settings(WHATSAPP_ACCES_TOKEN="x"), "settings", WARN, "ACCES_TOKEN", "Correct"),
    Case("a secret to guess", settings(API_KEY="changeme-changeme-changeme"), "secrets", FAIL, "API_KEY",
         "token_urlsafe"),
    Case("a secret of one sign", settings(SECRET_KEY="a" * 40), "secrets", FAIL, "SECRET_KEY", "token_urlsafe"),
    Case("one secret twice", settings(WHATSAPP_VERIFY_TOKEN="k3Qz8vWm1tYp6nLx0rJd5bHs"), "secrets", FAIL, "same text",
         "another"),
    Case(".env for everybody", readable_env, "env_file", FAIL, "644", "chmod 600"),
    Case("no tables", unmigrated, "database", FAIL, "not migrated", "flask migrate"),
    Case("no database file", damaged, "database", FAIL, "SQLite", "DATABASE_URL"),
    Case("a database server that is away", settings(DATABASE_URL="postgresql://postgres@127.0.0.1:1/x"), "database",
         FAIL, "cannot be reached", "Start PostgreSQL"),
    Case("SQLite on NFS", on_nfs, "database_disk", FAIL, "nfs4", "local disk"),
    Case("a full disk", no_room, "room", FAIL, "100 MB", "Make room"),
    Case("no log folder", file_for_folder("logs"), "log_folder", FAIL, "no folder", "LOG_DIR"),
    Case("no media folder", file_for_folder("media"), "media_folder", FAIL, "no folder", "MEDIA_DIR"),
    Case("no backups", settings(BACKUP_DIR=""), "backups", WARN, "No snapshots", "BACKUP_DIR"),
    Case("late backups", old_snapshot, "backups", FAIL, "last snapshot", "flask backup"),
    Case("no worker", lambda it: None, "worker", FAIL, "No worker", "flask worker"),
    Case("a worker that fell silent", silent_worker, "worker", FAIL, "last sign", "flask worker"),
    Case("two workers that disagree", two_keys, "shared_settings", FAIL, "differs between one, two", "same value"),
    Case("a broker that is away",
         settings(BROKER_URL="amqp://guest:guest@127.0.0.1:9", DATABASE_URL="postgresql://postgres@127.0.0.1:1/x"),
         "broker", FAIL, "RabbitMQ at 127.0.0.1", "BROKER_URL"),
    Case("a cache that is away", settings(CACHE_URL="redis://:pass@127.0.0.1:9/0"), "cache", WARN,
         "Redis at 127.0.0.1 does", "host, port"),
    Case("a cache that is another program", cache_of_another_kind, "cache", WARN, "does not take", "CACHE_URL"),
    Case("a bucket that is away", settings(MEDIA_S3_BUCKET="media", MEDIA_S3_ENDPOINT="http://127.0.0.1:9",
         MEDIA_S3_ACCESS_KEY="key", MEDIA_S3_SECRET_KEY="secret"), "bucket", FAIL, "EndpointConnectionError",
         "MEDIA_S3_ENDPOINT"),
    Case("an app that is away", settings(FORWARD_URL="http://127.0.0.1:9/events", FORWARD_ALLOW_NETS="127.0.0.1/32",
         FORWARD_SECRET="whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="), "servers", FAIL,
         "Nothing listens", "correct FORWARD_URL"),
    Case("alerts to a name that does not exist", settings(ALERT_URL="https://chat.invalid/hook"), "servers", WARN,
         "DNS", "correct ALERT_URL"),
    Case("mail by TLS at a port without", mail_without_tls, "servers", WARN, "does not speak TLS", "correct SMTP_URL"),
    Case("traces to nowhere", settings(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"), "servers", WARN,
         "Nothing listens", "correct OTEL_EXPORTER_OTLP_ENDPOINT"),
    Case("a clock that is behind", lambda it: it.meta.advance_clock(30), "clock", WARN, "s behind", "NTP"),
    Case("a clock that is far behind", lambda it: it.meta.advance_clock(300), "clock", FAIL, "s behind", "NTP"),
    Case("Meta away", settings(GRAPH_API_URL="http://127.0.0.1:9"), "meta", FAIL, "does not answer", "GRAPH_PROXY"),
    Case("an ended version", settings(GRAPH_API_VERSION="v19.0"), "graph_version", FAIL, "ended", "GRAPH_API_VERSION"),
    Case("a version that ends soon", settings(GRAPH_API_VERSION="v21.0"), "graph_version", WARN, "2027-01-21",
         "GRAPH_API_VERSION"),
    Case("a revoked token", token(is_valid=False), "token", FAIL, "not valid", "system user"),
    Case("an expired token", token(expires_at=int(time.time()) - 60), "token", FAIL, "not valid", "system user"),
    Case("a token that ends in a day", token(expires_at=int(time.time()) + DAY), "token", WARN, "expires soon",
         "system user"),
    Case("a temporary token", token(type="USER", expires_at=SOON), "token_kind", WARN, "temporary", "system user"),
    Case("a person's token", token(type="USER", expires_at=int(time.time()) + 60 * DAY), "token_kind", WARN, "person",
         "system user"),
    Case("no permission to send", token(scopes=["whatsapp_business_management"]), "token_scopes", FAIL, "sending",
         "whatsapp_business_messaging"),
    Case("a wrong app secret", settings(SIMULATOR_APP_SECRET="w0Rn8gSe5cRt2kLm"), "app", FAIL, "does not take",
         "App settings"),
    Case("no app id", settings(WHATSAPP_APP_ID=""), "app", WARN, "not set", "WHATSAPP_APP_ID"),
    Case("the number in place of its id", settings(WHATSAPP_PHONE_NUMBER_ID="15550100100"), "number", FAIL,
         "no such number", "API Setup"),
    Case("a number that is not registered", number(status="PENDING", platform_type="NOT_APPLICABLE"), "number", FAIL,
         "not registered", "Register"),
    Case("a banned number", number(status="BANNED"), "number", FAIL, "banned", "Appeal"),
    Case("a number nobody verified", number(code_verification_status="NOT_VERIFIED"), "number_verified", FAIL,
         "Nobody proved", "by a code"),
    Case("a declined name", number(name_status="DECLINED"), "number_name", FAIL, "declined", "Choose another"),
    Case("low quality", number(quality_rating="RED"), "quality", FAIL, "low", "Stop campaigns"),
    Case("the lowest limit", number(whatsapp_business_manager_messaging_limit="TIER_250"), "limit", WARN, "250 people",
         "Verify the business"),
    Case("no payment method", account(lacks_payment=True), "payment", FAIL, "131042", "Billing"),
    Case("a restricted account", account(is_restricted=True), "payment", FAIL, "restricted", "Appeal"),
    Case("a rejected template", rejected_template, "templates", WARN, "promo (es)", "Edit"),
    Case("no public address",
         settings(**REAL),
         "public_url", WARN, "not set", "PUBLIC_URL"),
    Case("http for Meta",
         settings(**REAL, PUBLIC_URL="http://wa.example.org"),
         "public_url", FAIL, "https addresses alone", "certificate"),
    Case("an address inside",
         settings(**REAL, PUBLIC_URL="https://127.0.0.1"),
         "public_url", FAIL, "cannot reach", "tunnel"),
    Case("a name that does not exist", settings(PUBLIC_URL="https://wa.invalid"), "public_url", FAIL, "DNS", "record"),
    Case("nothing listens", settings(PUBLIC_URL="http://127.0.0.1:9"), "handshake", FAIL, "Nothing listens",
         "firewall"),
    Case("no known authority", habits.self_signed, "handshake", FAIL, "self-signed", "fullchain"),
    Case("an expired certificate", habits.expired, "handshake", FAIL, "certificate", "fullchain"),
    Case("http at the port of https", habits.plain_at_https, "handshake", FAIL, "TLS", "port"),
    Case("a wrong path", behind(habits.under("/elsewhere")), "handshake", FAIL, "404", "prefix"),
    Case("a redirect to https", behind(habits.redirects("https://{host}{path}")), "handshake", FAIL,
         "redirects http to https", "begin with https"),
    Case("a redirect to a slash", behind(habits.redirects("{path}/")), "handshake", FAIL, "follows no redirect",
         "slash"),
    Case("a password", behind(habits.answers("401 Unauthorized")), "handshake", FAIL, "password", "Exempt"),
    Case("bot protection", behind(habits.answers("403 Forbidden", b"<html>Access denied")), "handshake", FAIL,
         "firewall", "bot protection"),
    Case("no gateway behind", behind(habits.answers("502 Bad Gateway")), "handshake", FAIL, "reaches no gateway",
         "Start the gateway"),
    Case("a tunnel's warning page", behind(habits.answers("200 OK", b"<html>You are about to visit")), "handshake",
         FAIL, "Something else", "tunnel"),
    Case("a gateway with another verify token", lambda it: it.serve(WHATSAPP_VERIFY_TOKEN="Zk8dPq2wLx5n"), "handshake",
         FAIL, "another verify token", "Restart"),
    Case("a proxy that drops the signature", behind(habits.drops("X_HUB_SIGNATURE_256")), "signed_webhook", FAIL,
         "drops the header", "all request headers"),
    Case("a proxy that drops what it does not know", behind(habits.drops("X_HUB_SIGNATURE_256", "X_GATEWAY_PROBE")),
         "signed_webhook", FAIL, "X-Hub-Signature-256", "all headers"),
    Case("a proxy that writes JSON anew", behind(habits.rewrites_json), "signed_webhook", FAIL, "arrives changed",
         "bytes as they are"),
    Case("a gateway with another app secret", lambda it: it.serve(SIMULATOR_APP_SECRET="n3Wm8xTq1vLk6zPd"),
         "signed_webhook", FAIL, "another app secret", "Restart"),
    Case("a proxy nobody told the gateway of", behind(habits.tells_whom), "signed_webhook", WARN,
         "TRUSTED_PROXIES is 0", "number of proxies"),
    Case("a proxy that takes 1 MB", behind(habits.limits(1_000_000)), "large_webhook", FAIL, "413",
         "client_max_body_size 4m"),
    Case("no callback at Meta", lambda it: it.serve(), "callback", FAIL, "No callback", "--fix"),
    Case("a callback elsewhere", callback_elsewhere, "callback", FAIL, "old.example", "--replace-callback"),
    Case("no messages", messages_not_asked, "callback", FAIL, "`messages`", "flask connect"),
    Case("an account nobody subscribed", unsubscribed, "subscription", FAIL, "not subscribed", "--fix"),
    Case("an override", override, "override", FAIL, "other.example", "override_callback_uri"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_what_is_broken_is_named_with_its_remedy(installation: Installation, case: Case) -> None:
    case.breaks(installation)

    lines = installation.examine(case.check).lines

    told = [line for line in lines if line.state == case.state and case.found in line.found]
    assert told, [(line.state, line.found) for line in lines]
    assert case.remedy in (told[0].remedy or ""), told[0].remedy
    assert not any("itself failed" in line.found or "Traceback" in line.found for line in lines)


def test_there_are_as_many_as_are_promised() -> None:
    assert len(CASES) >= 25


def test_a_redis_that_wants_another_password_is_told_from_one_that_is_well(
    installation: Installation, tmp_path: Path
) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on this machine")
    with own_redis(tmp_path, program) as server:
        installation.set(CACHE_URL=server.url)
        well_served = installation.examine("cache").lines[0]
        with Redis.from_url(server.url) as client:
            client.config_set("requirepass", "s3same")
        without_password = installation.examine("cache").lines[0]
        installation.set(CACHE_URL=f"redis://:other@127.0.0.1:{server.port}/0")
        with_another = installation.examine("cache").lines[0]

    assert well_served.state == State.OK
    assert without_password.state == with_another.state == WARN
    assert "password" in (without_password.remedy or "") and "password" in (with_another.remedy or "")
    assert "other" not in with_another.found + (with_another.remedy or "")


def test_every_setting_that_names_a_server_is_looked_at(installation: Installation) -> None:
    """A new one needs a check, or a line here that says which looks at it."""
    looked_at = {
        "GRAPH_API_URL": "meta", "GRAPH_PROXY": "meta", "PUBLIC_URL": "public_url", "DATABASE_URL": "database",
        "BROKER_URL": "broker", "CACHE_URL": "cache", "MEDIA_S3_ENDPOINT": "bucket", "BACKUP_S3_ENDPOINT": "backups",
        "FORWARD_URL": "servers", "ALERT_URL": "servers", "SMTP_URL": "servers",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "servers",
    }  # fmt: skip
    names = {setting_name(each) for each in setting_fields()}

    assert set(looked_at) == {name for name in names if name.endswith(("_URL", "_ENDPOINT", "_PROXY"))}
    assert set(looked_at.values()) <= {check.name for check in CHECKS}


def well(it: Installation) -> None:
    """Put in order what a fresh installation lacks."""
    url = f"{it.serve()}/webhook/whatsapp"
    now = datetime.now(UTC)
    with it.gateway().database.write() as session:
        workers.seen(session, "w1", now, now - timedelta(days=1))
    own = it.meta.simulator.world.subscriptions.get(APP_ID)
    assert own is not None
    own.callback_url, own.verify_token = url, VERIFY


def test_an_installation_in_good_order_has_no_problem(installation: Installation) -> None:
    well(installation)

    report = installation.examine()

    assert [(line.name, line.found) for line in report.lines if line.state in (WARN, FAIL)] == []
    assert report.state == State.OK
    assert report.seconds < 15


def test_one_cause_is_told_once(installation: Installation) -> None:
    """A dead token is the token's line; the ten that need it are skipped."""
    well(installation)
    installation.meta.standing.change_token(APP_ID, is_valid=False)

    failed = {line.name for line in installation.examine().lines if line.state == FAIL}

    assert failed == {"token"}


def test_nothing_is_stored_by_trials(installation: Installation) -> None:
    well(installation)

    installation.examine("signed_webhook", "large_webhook")

    gateway = installation.gateway()
    with gateway.database.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM notifications").scalar() == 0


def test_what_is_not_done_in_time_says_so(installation: Installation) -> None:
    installation.set(GRAPH_TIMEOUT_SECONDS="20")
    installation.meta.add_fault("delay", seconds=3, on="management")
    doctor = installation.doctor()
    doctor._seconds = 0.5

    report = doctor(("number", "settings"))

    assert {line.name: line.state for line in report.lines} == {"settings": State.OK, "number": State.WARN}
    assert report.seconds < 2


def test_without_harm_the_doctor_puts_right_what_it_can(installation: Installation) -> None:
    url = f"{installation.serve()}/webhook/whatsapp"
    readable_env(installation)
    unsubscribed(installation)
    (installation.folder / "media").rmdir()
    doctor = installation.doctor()
    fixed = apply(doctor.context(), doctor().lines)

    assert {each.fix for each in fixed if each.done} == {"modes", "folders", "set_callback", "subscribe_app"}
    assert (installation.folder / ".env").stat().st_mode & 0o777 == 0o600
    own = installation.meta.simulator.world.subscriptions.get(APP_ID)
    assert own is not None and own.callback_url == url and ACCOUNT in own.accounts
    again = doctor(("env_file", "media_folder", "callback", "subscription")).lines
    assert {line.state for line in again} == {State.OK}


def test_a_callback_that_leads_elsewhere_is_not_fixed(installation: Installation) -> None:
    callback_elsewhere(installation)
    doctor = installation.doctor()

    lines: list[Line] = doctor(("callback",)).lines

    assert lines[0].fix is None


def test_a_check_that_breaks_is_a_line(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_checks.shutil, "disk_usage", lambda place: 1 / 0)

    lines = installation.examine("room").lines

    assert "itself failed (ZeroDivisionError)" in lines[0].found


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/data/db", "ext4"), ("/mnt/my share/db", "cifs"), ("/mnt/my share/local/x", "xfs"), ("/srv", "ext4")],
)
def test_a_folder_is_on_the_innermost_mount(folder: str, kind: str) -> None:
    mounts = "/dev/a / ext4 rw\n//nas /mnt/my\\040share cifs rw\n/dev/b /mnt/my\\040share/local xfs rw\nbad\n"

    assert storage_checks.file_system(Path(folder), mounts) == kind
