"""Files through a whole gateway with the simulated Meta: in and out byte for byte, ranges with curl, and a video that a
browser seeks in."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import av
import pytest
import requests
from selenium import webdriver

from tests.conversion.making import film, moving_picture, picture
from tests.load.gateway import API_KEY, APP_SECRET, Gateway, running

ANA, NUMBER = "5491112345678", "700100200300400"
REAL = Path(__file__).parents[1] / "domain" / "media"
OFFICE = "application/vnd.openxmlformats-officedocument."
KEY = {"Authorization": f"Bearer {API_KEY}"}
SECONDS = 40


@dataclass(frozen=True)
class Sent:
    """A file that a person sends. `shown` is the `Content-Type` of its copy here, if that is not `mime_type`."""

    kind: str
    filename: str
    mime_type: str
    content: bytes
    shown: str = ""

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def real(kind: str, name: str, mime_type: str) -> Sent:
    """A file of the table of real ones."""
    return Sent(kind, name, mime_type, (REAL / name).read_bytes())


def zipped() -> bytes:
    """A ZIP that is no document of an office."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "a note")
    return file.getvalue()


def index_in_front(content: bytes) -> bytes:
    """The same MP4 with `moov` before `mdat`, as Meta wants it."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/film.mp4"
        with av.open(io.BytesIO(content)) as source, av.open(path, "w", options={"movflags": "faststart"}) as out:
            tracks = {each.index: out.add_stream_from_template(each) for each in source.streams}
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = tracks[packet.stream.index]
                    out.mux(packet)
        return Path(path).read_bytes()


MP4 = film("mp4", "libx264", "aac", bf="0", profile="main")
BOTH_WAYS = [
    real("image", "picture.jpg", "image/jpeg"),
    real("image", "picture.png", "image/png"),
    Sent("sticker", "still.webp", "image/webp", picture("WEBP", size=(512, 512))),
    Sent("sticker", "moving.webp", "image/webp", moving_picture((512, 512))),
    Sent("video", "film.mp4", "video/mp4", index_in_front(MP4)),
    real("video", "video.3gp", "video/3gpp"),
    real("audio", "sound.mp3", "audio/mpeg"),
    real("audio", "sound.aac", "audio/aac"),
    real("audio", "sound.m4a", "audio/mp4"),
    real("audio", "sound.amr", "audio/amr"),
    real("audio", "voice.ogg", "audio/ogg; codecs=opus"),
    Sent("document", "letter.pdf", "application/pdf", b"%PDF-1.7\n" + bytes(100_000)),
    Sent("document", "note.txt", "text/plain", "¿Qué tal?\n".encode() * 100, "text/plain; charset=utf-8"),
    real("document", "letter.docx", f"{OFFICE}wordprocessingml.document"),
    real("document", "list.xlsx", f"{OFFICE}spreadsheetml.sheet"),
    real("document", "slides.pptx", f"{OFFICE}presentationml.presentation"),
]
"""What Meta takes as it is. All of them differ, so a SHA-256 names one."""

ONLY_IN = [
    Sent("video", "phone.mp4", "video/mp4", MP4),
    Sent("document", "files.zip", "application/zip", zipped()),
    real("document", "list.xls", "application/vnd.ms-excel"),
]
"""What customers send and Meta does not take from a business, or only when it has been changed."""


class Both:
    """The gateway and the simulated customer's phone, as programs see them."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self._phone = gateway, gateway.wait_simulator().rstrip("/")

    def get(self, path: str) -> requests.Response:
        """GET from the gateway, with the key if the path is of the API."""
        headers = KEY if path.startswith("/api") else {}
        answer = requests.get(self.gateway.url + path, headers=headers, timeout=20)
        assert answer.ok, answer.text
        return answer

    def write(self, file: Sent) -> None:
        """Send a file as the customer."""
        data = base64.b64encode(file.content).decode()
        about = {"data": data, "mime_type": file.mime_type, "filename": file.filename}
        path = f"{self._phone}/simulator/api/chats/{NUMBER}/{ANA}/messages"
        answer = requests.post(path, json={"type": file.kind, "file": about}, timeout=20)
        assert answer.status_code == 201, answer.text

    def upload(self, content: bytes, filename: str, mime_type: str) -> dict[str, Any]:
        """Upload a file to be sent."""
        files = {"file": (filename, content, mime_type)}
        answer = requests.post(f"{self.gateway.url}/api/media", files=files, headers=KEY, timeout=20)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def send(self, file: Sent) -> str:
        """Send a file as the business; returns our id of the message."""
        media_id = self.upload(file.content, file.filename, file.mime_type)["id"]
        body = {"to": f"+{ANA}", "type": file.kind, file.kind: {"id": media_id}, "mode": "queued"}
        answer = requests.post(f"{self.gateway.url}/send/whatsapp", json=body, headers=KEY, timeout=20)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def shown(self) -> dict[str, dict[str, Any]]:
        """What the customer's phone shows, by the messages' wamids."""
        answer = requests.get(f"{self._phone}/simulator/api/chats/{NUMBER}/{ANA}", timeout=20)
        return {each["id"]: each for each in answer.json()["messages"]}

    def copy(self, media_id: str) -> tuple[bytes, str]:
        """The customer's copy of a file, and its type."""
        answer = requests.get(f"{self._phone}/simulator/api/files/{media_id}", timeout=20)
        assert answer.ok
        return answer.content, answer.headers["Content-Type"]


def wait_for(condition: Callable[[], Any], told: Callable[[], object]) -> Any:
    """Wait until something is true, and return it."""
    until = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < until, told()
        time.sleep(0.1)
    return found


def test_every_type_of_file_that_a_customer_sends_is_kept_byte_for_byte(both: Both) -> None:
    sent = BOTH_WAYS + ONLY_IN
    for file in sent:
        both.write(file)

    def rows() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = both.get("/api/media?direction=inbound&limit=100").json()["data"]
        return found

    kept = wait_for(
        lambda: len(found := rows()) == len(sent) and all(each["state"] == "stored" for each in found) and found, rows
    )
    by_content = {each["sha256"]: each for each in kept}
    for file in sent:
        row = by_content[file.sha256]
        answer = both.get(f"/api/media/{row['id']}/content")
        message = both.get(f"/api/messages/{row['message_id']}").json()
        assert answer.content == file.content, file.filename
        assert answer.headers["Content-Type"] == (file.shown or file.mime_type), file.filename
        assert both.get(message["content"]["url"]).content == file.content, file.filename
        assert (message["message_type"], message["content"]["media_id"]) == (file.kind, row["id"])


def test_every_type_of_file_that_meta_takes_reaches_the_customer_byte_for_byte(both: Both) -> None:
    ids = [both.send(file) for file in BOTH_WAYS]

    def messages() -> list[dict[str, Any]]:
        return [both.get(f"/api/messages/{each}").json() for each in ids]

    def ended() -> list[dict[str, Any]]:
        found = messages()
        return found if all(each["status"] in ("delivered", "read", "failed") for each in found) else []

    sent = wait_for(
        ended,
        lambda: [(each["status"], each["error"]) for each in messages()],
    )
    assert [each["error"] for each in sent if each["status"] == "failed"] == []
    shown = both.shown()
    for file, message in zip(BOTH_WAYS, sent, strict=True):
        bubble = shown[message["message_id"]]
        content, mime_type = both.copy(bubble["content"]["id"])
        assert bubble["type"] == file.kind
        assert content == file.content, file.filename
        assert mime_type.partition(";")[0] == file.mime_type.partition(";")[0], file.filename


@dataclass(frozen=True)
class Curled:
    """What curl got."""

    status: int
    headers: dict[str, str]
    body: bytes


def curl(folder: Path, url: str, *options: str) -> Curled:
    """Ask with Debian's curl."""
    if shutil.which("curl") is None:
        if os.environ.get("CI"):
            pytest.fail("curl is missing")
        pytest.skip("needs curl")
    head, body = folder / "head", folder / "body"
    body.unlink(missing_ok=True)
    command = ["curl", "-sS", "-m", "20", "-D", str(head), "-o", str(body), *options, url]
    subprocess.run(command, check=True, timeout=30)
    status, *lines = head.read_text().replace("\r", "").strip().split("\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Curled(int(status.split()[1]), headers, body.read_bytes() if body.exists() else b"")


TEXT = b"".join(b"%07d\n" % number for number in range(25_000))
SIZE = len(TEXT)


@pytest.fixture(scope="module")
def text(both: Both) -> dict[str, Any]:
    """A file of 200 KB in which every place can be told."""
    return both.upload(TEXT, "lines.txt", "text/plain")


@pytest.mark.parametrize("signed", [False, True])
def test_curl_gets_ranges_by_key_and_by_signed_link(
    both: Both, text: dict[str, Any], tmp_path: Path, signed: bool
) -> None:
    path = text["url"] if signed else f"/api/media/{text['id']}/content"
    by = [] if signed else ["-H", f"Authorization: Bearer {API_KEY}"]

    def ask(*options: str) -> Curled:
        return curl(tmp_path, both.gateway.url + path, *by, *options)

    whole = ask()
    etag = whole.headers["etag"]
    assert (whole.status, whole.body, whole.headers["accept-ranges"]) == (200, TEXT, "bytes")
    assert etag == f'"{text["sha256"]}"'
    for asked, start, end in (("0-99", 0, 100), ("199000-", 199_000, SIZE), ("-80", SIZE - 80, SIZE), ("5-5", 5, 6)):
        part = ask("-r", asked)
        assert (part.status, part.body) == (206, TEXT[start:end]), asked
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
        assert part.headers["content-length"] == str(end - start)
    for condition, status in ((etag, 206), ('"another"', 200), (f"W/{etag}", 200)):
        part = ask("-r", "8-15", "-H", f"If-Range: {condition}")
        assert (part.status, part.body) == (status, TEXT[8:16] if status == 206 else TEXT), condition
    beyond = ask("-r", f"{SIZE}-")
    assert (beyond.status, beyond.body, beyond.headers["content-range"]) == (416, b"", f"bytes */{SIZE}")
    several = ask("-r", "0-9,20-29")
    assert (several.status, several.body) == (200, TEXT)
    unchanged = ask("-H", f"If-None-Match: {etag}")
    assert (unchanged.status, unchanged.body) == (304, b"")
    head = ask("-I")
    assert (head.status, head.headers["content-length"], head.headers["etag"]) == (200, str(SIZE), etag)
    (tmp_path / "broken").write_bytes(TEXT[:123_456])
    subprocess.run(
        ["curl", "-sS", "-m", "20", "-C", "-", "-o", str(tmp_path / "broken"), *by, both.gateway.url + path],
        check=True, timeout=30,
    )  # fmt: skip
    assert (tmp_path / "broken").read_bytes() == TEXT


def test_curl_gets_nothing_without_a_key_or_with_a_link_that_was_changed(
    both: Both, text: dict[str, Any], tmp_path: Path
) -> None:
    link = both.gateway.url + text["url"]
    without = curl(tmp_path, f"{both.gateway.url}/media/{text['id']}", "-r", "0-9")
    changed = curl(tmp_path, link[:-1] + ("0" if link[-1] != "0" else "1"), "-r", "0-9")

    assert without.status in (401, 403) and changed.status in (401, 403)
    assert TEXT[:8] not in without.body + changed.body


def long_film() -> bytes:
    """Twenty seconds of noise as MP4, some megabytes with the index at the end, so that a browser has to jump."""
    out, noise = io.BytesIO(), Random(7)
    with av.open(out, "w", format="mp4") as file:
        options = {"preset": "ultrafast", "bf": "0", "g": "10", "crf": "36"}
        track = file.add_stream("libx264", rate=10, width=320, height=240, pix_fmt="yuv420p", options=options)
        for number in range(200):
            frame = av.VideoFrame(320, 240, "yuv420p")
            for plane in frame.planes:
                plane.update(noise.randbytes(plane.buffer_size))
            frame.pts, frame.time_base = number, Fraction(1, 10)
            file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return out.getvalue()


SEEK = """
const done = arguments[arguments.length - 1], video = document.querySelector('video');
video.onerror = () => done('error ' + video.error.code + ' ' + video.error.message);
const seek = () => {
  video.requestVideoFrameCallback((now, frame) => {
    if (Math.abs(frame.mediaTime - arguments[0]) < 0.2) done(frame.mediaTime); else seek();
  });
  video.currentTime = arguments[0];
};
if (video.readyState) seek(); else video.onloadedmetadata = seek;
"""


def test_chromium_seeks_in_a_video_behind_a_signed_link(
    both: Both, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    content = long_film()
    assert content.index(b"moov") > content.index(b"mdat") and len(content) > 3_000_000
    link = both.gateway.url + both.upload(content, "noise.mp4", "video/mp4")["url"]
    page = tmp_path / "page.html"
    page.write_text(f'<!doctype html><video muted preload="auto" src="{link.replace("&", "&amp;")}"></video>')

    browser.get(page.as_uri())
    reached = [browser.execute_async_script(SEEK, seconds) for seconds in (15, 3.5, 18.9)]

    assert reached == pytest.approx([15, 3.5, 18.9], abs=0.2)
    assert browser.execute_script("return document.querySelector('video').duration") == pytest.approx(20, abs=0.2)
    answers = _answers(browser, link)
    assert {each["status"] for each in answers} == {206}
    starts = [int(each["headers"]["Content-Range"].partition(" ")[2].partition("-")[0]) for each in answers]
    assert starts[0] == 0 and any(start > 0 for start in starts)


def _answers(browser: webdriver.Chrome, link: str) -> list[dict[str, Any]]:
    """What the browser was answered when it asked for this link, in order."""
    told = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    found = [each["params"]["response"] for each in told if each["method"] == "Network.responseReceived"]
    return [each for each in found if each["url"] == link]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A whole gateway with the simulator."""
    settings = {
        "SIMULATOR": "1", "SIMULATOR_APP_SECRET": APP_SECRET, "WHATSAPP_ACCESS_TOKEN": "", "GRAPH_API_URL": "",
        "ECHO_BOT": "false", "WEB_CONCURRENCY": "1",
    }  # fmt: skip
    with running(Gateway(tmp_path_factory.mktemp("files"), settings)) as gateway:
        yield Both(gateway)


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A Chromium that tells what it was answered."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        if os.environ.get("CI"):
            pytest.fail("chromium and chromedriver are missing")
        pytest.skip("chromium and chromedriver are missing")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    with tempfile.TemporaryDirectory() as profile:
        quiet = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
        for argument in (*quiet, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        found = webdriver.Chrome(options, webdriver.ChromeService(driver))
        try:
            found.set_script_timeout(30)
            yield found
        finally:
            found.quit()
