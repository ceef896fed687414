from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from gunicorn.config import Config as GunicornConfig

from app.config.settings import load_config
from app.errors import GraphRefused
from app.logs import configure_logging, console, formatter, get_logger, request_id_var
from app.logs.gunicorn import GunicornLogger

NUMBER = "5491112345678"
TOKEN = "EAAG-live-token-0001"
SETTINGS = {
    "API_KEY": "an-api-key-of-24-letters",
    "SECRET_KEY": "a-secret-key-of-at-least-32-letters",
    "ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "WHATSAPP_VERIFY_TOKEN": "verify-me",
    "WHATSAPP_ACCESS_TOKEN": TOKEN,
    "WHATSAPP_APP_SECRET": "0123456789abcdef0123456789abcdef",
    "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
}


class Logs:
    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capfd = folder, capfd

    def configure(self, **settings: str) -> None:
        configure_logging(load_config(SETTINGS | {"LOG_DIR": str(self.folder)} | settings), "web")

    def console(self) -> str:
        return self._capfd.readouterr().err

    def file(self) -> str:
        return "".join(path.read_text() for path in self.folder.iterdir())


def test_a_line_holds_time_level_process_logger_message_and_labels(logs: Logs) -> None:
    logs.configure()

    get_logger("app.web.send").info("message accepted", extra={"message_id": "0190-a", "count": 2, "kind": "two words"})

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    web\[\d+\] whatsapp_service\.web\.send:"
        r' message accepted message_id=0190-a kind="two words" count=2\n',
        logs.console(),
    )


def test_the_console_has_the_level_asked_for_and_the_file_everything(logs: Logs) -> None:
    logs.configure(LOG_LEVEL="WARNING")
    logger = get_logger("app.x")

    for say in (logger.debug, logger.info, logger.warning):
        say("%s", say.__name__)  # noqa: G010

    console, file = logs.console(), logs.file()
    assert [word in console for word in ("x: debug", "x: info", "x: warning")] == [False, False, True]
    assert [word in file for word in ("x: debug", "x: info", "x: warning")] == [True, True, True]


def test_third_parties_are_heard_from_warning_on_even_when_they_ask_for_more(logs: Logs) -> None:
    logs.configure(LOG_LEVEL="DEBUG")
    library = logging.getLogger("somebodys.library")
    library.setLevel(logging.DEBUG)

    library.info("input_token=abc")
    library.warning("retrying")

    assert "input_token" not in logs.console() + logs.file()
    assert "somebodys.library: retrying" in logs.file()


def test_only_known_keys_of_extra_are_written_and_objects_are_only_named(logs: Logs) -> None:
    logs.configure()

    get_logger("app.x").info("kept", extra={"body": "Hola", "to": NUMBER, "error": ValueError(NUMBER), "code": None})

    assert logs.console().endswith(": kept error=ValueError\n")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_and_no_number_is_written(logs: Logs, log_format: str) -> None:
    logs.configure(LOG_FORMAT=log_format)

    get_logger("app.x").warning("refused", extra={"reason": f"token {TOKEN}", "message_id": "wamid.HBgNNTQ5="})
    logging.getLogger("some.library").warning("Retrying %s?access_token=%s", f"/{NUMBER}/messages", TOKEN)
    try:
        raise KeyError(NUMBER, TOKEN)
    except KeyError:
        logging.getLogger("flask").exception("Exception on /api/contacts/+%s", NUMBER, stack_info=True)

    written = logs.console() + logs.file()
    assert written.count("[secret]") == 4
    assert "[number]" in written
    assert not [text for text in (TOKEN, NUMBER, "HBgN") if text in written]


def test_a_value_cannot_forge_a_line(logs: Logs) -> None:
    logs.configure()

    get_logger("app.x").info("kept", extra={"kind": "a\n2026-01-01 ERROR forged", "request_id": 'x" status=200'})

    assert logs.console().count("\n") == 1
    assert r'kind="a\\n2026-01-01 ERROR forged"' in logs.file()
    assert r'request_id="x\" status=200"' in logs.file()


def test_of_an_exception_its_type_and_frames_are_written_with_its_causes(logs: Logs) -> None:
    logs.configure()

    try:
        fail_in_two_steps()
    except RuntimeError:
        get_logger("app.x").exception("job failed")

    lines = logs.console().splitlines()[1:]
    assert [line.strip() for line in lines if "tests/" not in line] == [
        "builtins.RuntimeError",
        "caused by builtins.ValueError",
    ]
    assert re.fullmatch(r" +tests/test_logs\.py:\d+ in fail_in_two_steps", lines[-1])


def test_the_words_of_our_own_errors_are_written(logs: Logs) -> None:
    logs.configure()

    try:
        raise GraphRefused("Meta refused the template.")
    except GraphRefused:
        get_logger("app.x").exception("send failed")

    assert "app.errors.GraphRefused: Meta refused the template.\n" in logs.console()


def test_the_words_of_an_error_made_elsewhere_from_ours_are_not(logs: Logs) -> None:
    logs.configure()

    class Theirs(GraphRefused):
        pass

    try:
        raise Theirs("Hola, necesito ayuda")
    except Theirs:
        get_logger("app.x").exception("send failed")

    assert "Hola" not in logs.console()


def test_json_lines_follow_the_elastic_common_schema(logs: Logs) -> None:
    logs.configure(LOG_FORMAT="json")

    try:
        raise ValueError("Hola")
    except ValueError:
        get_logger("app.x").exception("job failed", extra={"job_id": "0190-a", "duration_ms": 1.5, "body": "Hola"})

    line = json.loads(logs.console())
    assert (line["message"], line["log.level"] if "log.level" in line else line["log"]["level"]) == (
        "job failed",
        "error",
    )
    assert line["labels"] == {"job_id": "0190-a"}
    assert line["event"]["duration"] == 1_500_000
    assert line["service"] == {"name": "whatsapp-service"}
    assert line["process"]["name"] == "web"
    assert line["error"]["type"] == "builtins.ValueError"
    assert "Hola" not in str(line)


def test_numbers_can_be_summed_and_stand_where_the_schema_has_them(logs: Logs) -> None:
    logs.configure(LOG_FORMAT="json")

    extra = {"method": "GET", "route": "/api/events", "status": "200", "duration_ms": 2.0, "count": 3}
    get_logger("app.x").info("request", extra=extra)

    line = json.loads(logs.console())
    assert line["http"] == {"request": {"method": "GET"}, "response": {"status_code": 200}}
    assert (line["event"]["duration"], line["gateway"], line["labels"]) == (
        2_000_000, {"count": 3}, {"route": "/api/events"}
    )  # fmt: skip


def test_lines_for_a_person_are_json_too_where_the_log_is(capfd: pytest.CaptureFixture[str]) -> None:
    write = console(load_config(SETTINGS | {"LOG_FORMAT": "json"}), "master")

    write("Listening on http://127.0.0.1:8000\n")
    write('{"message": "of a child"}')

    first, second = capfd.readouterr().err.splitlines()
    assert json.loads(first)["message"] == "Listening on http://127.0.0.1:8000"
    assert json.loads(second) == {"message": "of a child"}


def test_gunicorn_quotes_no_request(capfd: pytest.CaptureFixture[str]) -> None:
    settings = GunicornConfig()
    settings.set("loglevel", "debug")
    GunicornLogger.lines = formatter(load_config(SETTINGS | {"LOG_FORMAT": "json"}), "web server")
    log = GunicornLogger(settings)

    log.warning("Invalid request from ip=127.0.0.1: Invalid Method '{\"text\":\"Hola\",\"to\":\"5491112345678\"}'")
    log.error("Error handling request %s", "/api/contacts/5491112345678?q=Hola")
    log.error("Worker (pid:%s) was sent %s! Perhaps out of memory?", 4711, "SIGKILL")

    lines = [json.loads(line)["message"] for line in capfd.readouterr().err.splitlines()]
    assert lines == [
        "a request that cannot be read was refused",
        "Error handling request [...]",
        "Worker (pid:4711) was sent SIGKILL! Perhaps out of memory?",
    ]
    for handler in list(log.error_log.handlers):
        log.error_log.removeHandler(handler)


def test_the_request_id_follows_a_thread_of_its_own(logs: Logs) -> None:
    logs.configure()

    def serve(request_id: str) -> None:
        request_id_var.set(request_id)
        get_logger("app.x").info("served", extra={"kind": request_id})

    threads = [threading.Thread(target=serve, args=(f"request-{number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    get_logger("app.x").info("outside")

    *served, outside = logs.console().splitlines()
    assert sorted(line.partition("served ")[2] for line in served) == [
        f"kind=request-{number} request_id=request-{number}" for number in range(5)
    ]
    assert "request_id" not in outside


def test_the_request_id_follows_a_greenlet_of_its_own() -> None:
    script = (
        "import gevent; from app.logs import request_id_var as var\n"
        "def serve(name): var.set(name); gevent.sleep(0.01); return var.get() == name\n"
        "jobs = [gevent.spawn(serve, str(number)) for number in range(20)]; gevent.joinall(jobs)\n"
        "raise SystemExit(0 if all(job.value for job in jobs) and var.get() == '' else 1)"
    )

    assert subprocess.run([sys.executable, "-W", "ignore", "-c", script], timeout=30).returncode == 0


def test_configuring_again_replaces_what_was_there(logs: Logs) -> None:
    logs.configure()
    logs.configure()

    get_logger("app.x").info("once")

    assert logs.console().count("once") == 1
    assert logs.file().count("once") == 1


def test_an_unwritable_folder_does_not_stop_the_service(logs: Logs) -> None:
    logs.folder.write_text("a file where the folder should be")

    logs.configure()
    get_logger("app.x").info("served")

    lines = logs.console().splitlines()
    assert "the log file cannot be written, only the console is" in lines[0]
    assert lines[1].endswith(": served")
    assert len(lines) == 2


def fail_in_two_steps() -> None:
    try:
        raise ValueError("Hola, necesito ayuda")
    except ValueError as err:
        raise RuntimeError("because of it") from err


@pytest.fixture
def logs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Logs]:
    """Logs in a folder of the test's own; the process's own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield Logs(tmp_path / "logs", capfd)
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
