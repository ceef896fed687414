"""Every kind of file out to the simulator, which checks files as Meta does: some only after it gave a wamid."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.container import Gateway
from app.domain import tags
from simulator.graph.media.store import StoredFile
from simulator.testing import MetaStandIn
from tests.conversion.making import film, moving_picture, picture, sound
from tests.services.outbound_media.conftest import KEY, send_body
from tests.services.sending.conftest import all_answered, here
from tests.web.graph.conftest import app, database_url, make_meta, meta  # noqa: F401

VOICE = Path(__file__).parents[2] / "conversion" / "files"
AS_IT_IS: list[tuple[str, bytes]] = [
    ("image", picture("JPEG")),
    ("image", picture("PNG", "RGBA")),
    ("audio", sound("mp4", "aac")),
    ("audio", sound("mp3", "libmp3lame")),
    ("audio", sound("adts", "aac")),
    ("audio", sound("ogg", "libopus")),
    ("sticker", picture("WEBP", size=(512, 512))),
    ("sticker", moving_picture((512, 512))),
    ("video", film("mp4", "libx264", "aac", bf="0", profile="main")),
    ("document", b"%PDF-1.7\n" + bytes(300_000)),
    ("document", b"a text\n"),
]
CONVERTED: list[tuple[str, bytes]] = [
    ("audio", sound("ogg", "libopus", layout="stereo")),
    ("audio", sound("webm", "libopus")),
    ("audio", sound("wav", "pcm_s16le")),
    ("image", picture("HEIF")),
    ("image", picture("WEBP")),
    ("sticker", picture("JPEG")),
    ("video", film("webm", "libvpx", "libopus")),
]

Kept = Callable[..., str]
Send = Callable[[list[dict[str, Any]]], list[StoredFile]]


def test_what_meta_takes_arrives_byte_for_byte_and_is_delivered(kept: Kept, send: Send) -> None:
    files = send([send_body(kind, kept(content)) for kind, content in AS_IT_IS])

    for (kind, content), file in zip(AS_IT_IS, files, strict=True):
        if kind == "video":  # its index was put in front
            assert file.content.index(b"moov") < file.content.index(b"mdat")
        else:
            assert file.content == content, kind


def test_what_meta_does_not_take_is_converted_and_delivered(kept: Kept, send: Send) -> None:
    send([send_body(kind, kept(content)) for kind, content in CONVERTED])


@pytest.mark.parametrize("name", ["chromium-voice.webm", "chromium-voice.mp4"])
def test_a_voice_note_that_chromium_recorded_arrives_as_mono_ogg_opus(
    kept: Kept, send: Send, tmp_path: Path, name: str
) -> None:
    (file,) = send([send_body("audio", kept((VOICE / name).read_bytes(), name, type="voice"), voice=True)])

    assert file.mime_type == "audio/ogg; codecs=opus"
    assert probed(tmp_path, file.content) == {"codec": "opus", "channels": 1, "format": "ogg", "seconds": 1.5}


def probed(folder: Path, content: bytes) -> dict[str, Any]:
    """What Debian's ffprobe says of a recording."""
    if shutil.which("ffprobe") is None:
        pytest.skip("needs ffprobe (package ffmpeg)")
    path = folder / "voice"
    path.write_bytes(content)
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    said = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)
    (stream,) = said["streams"]
    return {
        "codec": stream["codec_name"], "channels": stream["channels"], "format": said["format"]["format_name"],
        "seconds": round(float(said["format"]["duration"]) * 2) / 2,
    }  # fmt: skip


@pytest.fixture
def send(
    gateway: Gateway, client: FlaskClient, meta: MetaStandIn, prepare: Callable[[], None]  # noqa: F811
) -> Send:
    """Send messages as a worker does; return the files that Meta has for them, once all were delivered."""

    def send_(bodies: list[dict[str, Any]]) -> list[StoredFile]:
        ids = []
        for body in bodies:
            response = client.post("/send/whatsapp", json=body | {"mode": "queued"}, headers=KEY)
            assert response.status_code == 202, response.get_json()
            ids.append(response.get_json()["id"])
        prepare()
        failed = client.get("/api/messages?status=failed", headers=KEY).get_json()["data"]
        assert [each["error"] for each in failed] == []
        sender = here(gateway, 4)
        until = time.monotonic() + 10
        while len(meta.accepted) < len(bodies) and time.monotonic() < until:
            sender.work()
            all_answered(sender)
        sender.stop()
        sent = {}
        for each in meta.accepted:
            tag = tags.read(each.biz_opaque_callback_data)
            assert tag is not None
            sent[tag[0]] = str(each.body[each.body["type"]]["id"])
        for message in meta.wait_for_answers(len(bodies)):
            while message.status not in ("read", "failed", "played") and time.monotonic() < until:
                time.sleep(0.01)
            assert message.status != "failed", message
        world = meta.simulator.world
        found = [world.media.find(sent[message_id], world.now()) for message_id in ids]
        return [each for each in found if each is not None]

    return send_
