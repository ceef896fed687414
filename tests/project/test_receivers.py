"""The code that docs/receivers.md gives away works as it stands there."""

from __future__ import annotations

import ast
import io
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from app.config.parsers import ROOT
from app.security.standard_webhooks import headers, new_secret
from tests.load.gateway import free_port

SECRET, OLD = new_secret(), new_secret()
BODY = '{"id":"e1","type":"message.received","data":{"message":"señal"}}'.encode()
Post = Callable[[dict[str, str], bytes], int]
"""Posts to a receiver; returns the status of its answer."""


def signed(body: bytes = BODY, *secrets: str, ago: float = 0) -> dict[str, str]:
    return headers(secrets or (SECRET,), "e1", datetime.now(UTC) - timedelta(seconds=ago), body)


CASES: dict[str, tuple[Callable[[], dict[str, str]], bytes, int]] = {
    "genuine": (signed, BODY, 204),
    "while the secret is rotated": (lambda: signed(BODY, OLD, SECRET), BODY, 204),
    "four minutes old": (lambda: signed(ago=240), BODY, 204),
    "another secret": (lambda: signed(BODY, OLD), BODY, 401),
    "an altered body": (signed, BODY.replace(b"e1", b"e2"), 401),
    "too old": (lambda: signed(ago=301), BODY, 401),
    "too new": (lambda: signed(ago=-310), BODY, 401),
    "another id": (lambda: signed() | {"webhook-id": "e2"}, BODY, 401),
    "no id": (lambda: _without("webhook-id"), BODY, 401),
    "no timestamp": (lambda: _without("webhook-timestamp"), BODY, 401),
    "a timestamp that is none": (lambda: signed() | {"webhook-timestamp": "noon"}, BODY, 401),
    "no signature": (lambda: _without("webhook-signature"), BODY, 401),
    "an empty signature": (lambda: signed() | {"webhook-signature": "v1,"}, BODY, 401),
    "another version": (lambda: signed() | {"webhook-signature": signed()["webhook-signature"][1:]}, BODY, 401),
    "odd letters": (lambda: signed() | {"webhook-signature": "v1,\xf1"}, BODY, 401),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_genuine_and_nothing_else_is_taken(receiver: Post, case: str) -> None:
    given, body, status = CASES[case]

    assert receiver(given(), body) == status


def test_what_the_standards_own_library_signs_is_taken(receiver: Post) -> None:
    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign("e1", now, BODY.decode())

    stamped = {"webhook-id": "e1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    assert receiver(stamped, BODY) == 204


def test_the_one_for_old_pythons_says_nothing_that_these_do_not_understand() -> None:
    tree = ast.parse(code("Django"))

    new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.YieldFrom, ast.AsyncFunctionDef, ast.Starred)
    assert [node for node in ast.walk(tree) if isinstance(node, new)] == []
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        assert function.returns is None
        assert not function.args.kwonlyargs and not function.args.posonlyargs
        assert all(argument.annotation is None for argument in function.args.args)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.cause]
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "hmac.digest" not in code("Django")
    assert called.isdisjoint({"removeprefix", "removesuffix", "isascii", "fromhex", "hex"})
    assert all(ord(letter) < 128 for letter in code("Django"))  # the file says no encoding


def code(title: str) -> str:
    """The first block of code under a heading that begins with `title`."""
    section = re.split(rf"^### {title}", (ROOT / "docs" / "receivers.md").read_text(), flags=re.MULTILINE)[1]
    found = re.search(r"^```\w+\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def flask_app(monkeypatch: pytest.MonkeyPatch, _folder: Path) -> Iterator[Post]:
    monkeypatch.setenv("FORWARD_SECRET", SECRET)
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(code("Python with Flask"), "receiver.py", "exec"), names)
    client = names["app"].test_client()
    yield lambda given, body: client.post("/whatsapp", data=body, headers=given).status_code


def wsgi_app(monkeypatch: pytest.MonkeyPatch, _folder: Path) -> Iterator[Post]:
    monkeypatch.setenv("FORWARD_SECRET", SECRET)
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(code("Django"), "receiver.py", "exec"), names)

    def post(given: dict[str, str], body: bytes) -> int:
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in given.items()}
        started: list[str] = []
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}  # type: ignore[dict-item]
        list(names["application"](environ, lambda status, _headers: started.append(status)))
        return int(started[0].split()[0])

    yield post


def node_server(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Post]:
    (folder / "receiver.js").write_text(code("Node"))
    port = free_port()
    environment = {"FORWARD_SECRET": SECRET, "PORT": str(port), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    process = subprocess.Popen(["node", str(folder / "receiver.js")], env=environment, stdout=subprocess.DEVNULL)

    def post(given: dict[str, str], body: bytes) -> int:
        latin = {name: value.encode("latin-1") for name, value in given.items()}
        return requests.post(f"http://127.0.0.1:{port}/whatsapp", data=body, headers=latin, timeout=10).status_code

    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                requests.get(f"http://127.0.0.1:{port}/", timeout=10)
                break
            except requests.ConnectionError:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
        yield post
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=[flask_app, wsgi_app, node_server], ids=["flask", "wsgi", "node"], scope="module")
def receiver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    if request.param is node_server and shutil.which("node") is None:
        pytest.skip("node is not installed")
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from request.param(monkeypatch, tmp_path_factory.mktemp("receiver"))


def _without(name: str) -> dict[str, str]:
    return {key: value for key, value in signed().items() if key != name}
