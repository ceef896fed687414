"""What is wrong with a request is said exactly."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from standardwebhooks import Webhook

from app.security.meta_signatures import sign_meta
from app.security.standard_webhooks import headers
from app.services.webhooks.explain_signature import explain
from tests.conftest import on_sqlite

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OTHER = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
APP_SECRET = "app-secret-of-the-tests"
BODY = '{"id":"e1","data":{"message":"señal","url":"https://x/y"}}'.encode()
PARSED = json.loads(BODY)


def signed(body: bytes = BODY, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    return headers([secret], "e1", at, body)


def by_meta(body: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    return {"X-Hub-Signature-256": sign_meta(secret, body)}


GENUINE: list[tuple[dict[str, str], bytes, list[str]]] = [
    (signed(), BODY, [SECRET]),
    (signed(), BODY, [OTHER, f" {SECRET} "]),
    ({name.upper(): value for name, value in signed().items()}, BODY, [SECRET]),
    (signed() | {"webhook-signature": f"v1,{'A' * 44} {signed()['webhook-signature']} v1a,x"}, BODY, [SECRET]),
    (by_meta(BODY), BODY, [APP_SECRET]),
    (by_meta(BODY), BODY, ["old-one", APP_SECRET]),
    (by_meta(b""), b"", [APP_SECRET]),
]


@pytest.mark.parametrize(("given", "body", "secrets"), GENUINE)
def test_a_genuine_request_has_no_problem(given: dict[str, str], body: bytes, secrets: list[str]) -> None:
    assert explain(given, body, secrets, NOW).problems == []


def test_the_standards_own_library_agrees() -> None:
    at = datetime.now(UTC)
    given = {
        "webhook-id": "e1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("e1", at, BODY.decode()),
    }

    assert explain(given, BODY, [SECRET], at).is_genuine


WRONG: dict[str, tuple[dict[str, str], bytes, str, list[str]]] = {
    "another secret": (signed(), BODY, OTHER, ["No signature fits. Either the secret is another one"]),
    "no headers": ({}, BODY, SECRET, ["Missing: webhook-id, webhook-timestamp, webhook-signature"]),
    "a header missing": (signed() | {"webhook-id": ""}, BODY, SECRET, ["Missing: webhook-id. A proxy"]),
    "compact to spaced": (signed(), json.dumps(PARSED).encode(), SECRET, ["written anew: as compact JSON"]),
    "compact to indented": (signed(), json.dumps(PARSED, indent=2).encode(), SECRET, ["written anew: as compact JSON"]),
    "a newline more": (signed(), BODY + b"\n", SECRET, ["without the newline"]),
    "a newline less": (signed(BODY + b"\n"), BODY, SECRET, ["lost the newline"]),
    "a mark before": (signed(), b"\xef\xbb\xbf" + BODY, SECRET, ["byte order mark"]),
    "line ends": (signed(b"a\nb"), b"a\r\nb", SECRET, ["changed to CR LF"]),
    "an empty body": (signed(), b"", SECRET, ["No signature fits", "The body is empty"]),
    "an altered body": (signed(), BODY.replace(b"e1", b"e2"), SECRET, ["No signature fits"]),
    "behind": (signed(at=NOW - timedelta(hours=1)), BODY, SECRET, ["3600 seconds behind this machine's clock"]),
    "ahead": (signed(at=NOW + timedelta(minutes=6)), BODY, SECRET, ["360 seconds ahead of"]),
    "no time": (signed() | {"webhook-timestamp": "noon"}, BODY, SECRET, ["must be seconds since 1970"]),
    "no version": (signed() | {"webhook-signature": "abc"}, BODY, SECRET, ["begins with v1"]),
    "no prefix": (signed(), BODY, SECRET.removeprefix("whsec_"), ["fits if it begins with whsec_"]),
    "quoted": (signed(), BODY, f'"{SECRET}"', ["without quotes"]),
    "no secret": (signed(), BODY, "hello", ["The secret must be whsec_ followed by"]),
    "meta: another secret": (by_meta(BODY), BODY, "another-app-secret", ["No signature fits. Either the secret"]),
    "meta: ours": (by_meta(BODY), BODY, SECRET, ["No signature fits", "one of Standard Webhooks"]),
    "meta: unescaped": (
        by_meta(json.dumps(PARSED, separators=(",", ":")).replace("/", "\\/").encode()), BODY, APP_SECRET,
        ["written anew: as compact, escaped JSON"],
    ),
    "meta: no hex": ({"X-Hub-Signature-256": "sha1=abc"}, BODY, APP_SECRET, ["must be sha256= and 64 hexadecimal"]),
    "meta: capitals": (
        {"X-Hub-Signature-256": sign_meta(APP_SECRET, BODY).upper().replace("SHA", "sha")}, BODY, APP_SECRET,
        ["capital letters"],
    ),
    "meta: old header": ({"X-Hub-Signature": "sha1=abc"}, BODY, APP_SECRET, ["only X-Hub-Signature (SHA-1)"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name: str) -> None:
    given, body, secret, expected = WRONG[name]

    problems = explain(given, body, [secret], NOW).problems

    assert len(problems) == len(expected)
    for problem, words in zip(problems, expected, strict=True):
        assert words in problem
        assert secret not in problem


def test_a_signature_made_with_the_secrets_text_is_told() -> None:
    given = signed()
    digest = hmac.digest(SECRET.encode(), f"e1.{given['webhook-timestamp']}.".encode() + BODY, "sha256")
    given["webhook-signature"] = "v1," + base64.b64encode(digest).decode()

    [problem] = explain(given, BODY, [SECRET], NOW).problems

    assert "made with the secret's text" in problem


def test_without_the_clock_an_old_capture_is_genuine() -> None:
    assert explain(signed(at=NOW - timedelta(days=9)), BODY, [SECRET], None).is_genuine


@on_sqlite
@pytest.mark.parametrize(
    ("body", "more", "code", "said"),
    [
        (BODY, [], 0, "GENUINE (webhook-signature)\n"),
        (BODY + b"\n", [], 1, "NOT GENUINE (webhook-signature)\n- The body has another end"),
    ],
)
def test_the_command_reads_a_capture(
    run: Callable[..., Any], tmp_path: Path, body: bytes, more: list[str], code: int, said: str
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed(at=datetime.now(UTC)).items())
    (tmp_path / "captured").write_bytes(b"POST /whatsapp HTTP/1.1\r\n" + lines.encode() + b"\r\n" + body)

    result = run("--request", str(tmp_path / "captured"), *more)

    assert (result.exit_code, result.output[: len(said)]) == (code, said)


@on_sqlite
@pytest.mark.parametrize("written", ["lines", "json"])
def test_the_command_reads_headers_and_body_apart(run: Callable[..., Any], tmp_path: Path, written: str) -> None:
    given = signed(at=NOW - timedelta(days=3000))
    lines = "".join(f"> {name}: {value}\n" for name, value in given.items())
    (tmp_path / "headers").write_text(json.dumps(given) if written == "json" else lines)
    (tmp_path / "body").write_bytes(BODY)

    parts = ("--headers", str(tmp_path / "headers"), "--body", str(tmp_path / "body"))

    assert run(*parts).exit_code == 1
    assert run(*parts, "--any-time").output == "GENUINE (webhook-signature)\n"


@on_sqlite
def test_the_command_asks_for_the_secret(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "captured").write_bytes(f"X-Hub-Signature-256: {sign_meta(APP_SECRET, BODY)}\n\n".encode() + BODY)

    result = app.test_cli_runner().invoke(
        args=["verify", "--request", str(tmp_path / "captured")], input=f"{APP_SECRET}\n"
    )

    assert result.output == "Secret: \nGENUINE (x-hub-signature-256)\n"


@on_sqlite
@pytest.mark.parametrize("args", [[], ["--headers", "x"], ["--request", "x", "--headers", "x", "--body", "x"]])
def test_the_command_wants_one_or_the_other(run: Callable[..., Any], tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "x").write_bytes(b"x")

    assert run(*(str(tmp_path / "x") if each == "x" else each for each in args)).exit_code == 2


@pytest.fixture
def run(app: Flask) -> Callable[..., Any]:
    def run_(*args: str) -> Any:
        return app.test_cli_runner().invoke(args=["verify", *args], env={"VERIFY_SECRET": SECRET})

    return run_
