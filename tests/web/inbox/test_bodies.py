"""Bodies of requests to pages are bounded before anything is known of who sends them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask

from tests.conftest import on_sqlite
from tests.people import Browser, sign_in

pytestmark = on_sqlite

SIZE = 8 * 1024 * 1024
FILE = b'--B\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'


class Counted(io.BytesIO):
    """A body that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        self.count += len(part)
        return part

    def readinto(self, buffer: Any, /) -> int:
        size = super().readinto(buffer)
        self.count += size
        return size


@pytest.mark.parametrize("has_length", [True, False], ids=["length", "chunked"])
@pytest.mark.parametrize(
    ("kind", "head"),
    [("multipart/form-data; boundary=B", FILE), ("application/x-www-form-urlencoded", b"csrf_token=")],
    ids=["file", "form"],
)
def test_a_stranger_makes_the_gateway_keep_no_large_body(
    app: Flask, kind: str, head: bytes, has_length: bool
) -> None:
    stranger, body = Browser(app), Counted(head + b"a" * SIZE)
    stranger.get("/inbox/sign-in/x")
    length = {"CONTENT_LENGTH": str(len(head) + SIZE)} if has_length else {"HTTP_TRANSFER_ENCODING": "chunked"}
    environ: dict[str, Any] = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_TYPE": kind, **length}

    response = stranger.post("/inbox/sign-in/x", headers={"X-CSRFToken": ""}, environ_overrides=environ)

    assert response.status_code == 413
    assert has_length or body.count <= 2 * 1024 * 1024  # one with a length is dropped unread, after the answer


def test_a_body_that_is_read_for_its_token_is_there_for_the_view_too(app: Flask) -> None:
    browser = sign_in(app, "Boss", "admin")
    form = {"name": "Bo", "role": "agent", "csrf_token": browser.token}

    as_multipart = browser.post(
        "/inbox/people", data=form, headers={"X-CSRFToken": ""}, content_type="multipart/form-data"
    )

    assert as_multipart.status_code == 200
    assert "Bo" in as_multipart.text


@pytest.mark.parametrize("name", ["%00", "a" * 300, "a/" * 2500])
def test_a_name_that_no_file_can_have_is_not_found(app: Flask, name: str) -> None:
    assert Browser(app).get(f"/inbox/static/x/{name}").status_code == 404
