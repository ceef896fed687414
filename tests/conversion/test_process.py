"""The process around a conversion: its limits, and that nothing of the gateway reaches it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from app.conversion import process
from app.conversion.process import Interrupted, Order, converted
from app.conversion.refusal import Refused
from tests.conversion.making import sound

MB = 1024 * 1024
FILES = Path(__file__).parents[1] / "domain" / "media"
VOICE = Order("voice", "audio/webm", 16 * MB)


def test_a_file_is_converted_in_another_process_and_removed_afterwards(recording: IO[bytes], temporary: Path) -> None:
    with converted(VOICE, recording) as made:
        assert (made.mime_type, made.how) == ("audio/ogg; codecs=opus", "copied")
        assert made.path is not None
        assert Path(made.path).read_bytes()[:4] == b"OggS"
        assert made.size == os.path.getsize(made.path)

    assert list(temporary.iterdir()) == []


def test_what_the_converter_refuses_is_raised_with_its_sentence(recording: IO[bytes], temporary: Path) -> None:
    with pytest.raises(Refused, match="It cannot be read as audio/mp4"), converted(
        Order("voice", "audio/mp4", MB), recording
    ):
        pass

    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import time; time.sleep(60)", "longer than 1 seconds"),
        ("import os; os.kill(os.getpid(), 11)", "broke off"),
        ("print('x' * 100_000)", "broke off"),
        ("import sys; sys.exit(int(len(__import__('os').environ) > 3) or 'none')", "broke off"),
    ],
)
def test_a_converter_that_hangs_or_dies_refuses_the_file(
    recording: IO[bytes], monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    monkeypatch.setattr(process, "START", code.replace("{", "{{").replace("}", "}}"))

    with pytest.raises(Refused, match=said), converted(VOICE, recording, seconds=1):
        pass


def test_memory_is_bounded(recording: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    start = process.START.replace("main(sys.argv[1])", "import app.conversion.child as c; c._convert = {grab}; {rest}")
    start = start.replace("{grab}", "lambda *_: bytearray(4 << 30)").replace("{rest}", "main(sys.argv[1])")
    monkeypatch.setattr(process, "START", start)

    with pytest.raises(Refused, match="more memory"), converted(VOICE, recording):
        pass


def test_a_stop_of_the_gateway_ends_a_conversion(recording: IO[bytes]) -> None:
    with pytest.raises(Interrupted), converted(VOICE, recording, is_stopping=lambda: True):
        pass


def test_the_process_has_nothing_of_our_environment(
    recording: IO[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    monkeypatch.setenv("WHATSAPP_ACCESS_TOKEN", "a token")
    monkeypatch.setattr(process, "START", f"import os; open({str(seen)!r}, 'w').write(' '.join(os.environ))")

    with pytest.raises(Refused), converted(VOICE, recording):
        pass

    assert set(seen.read_text().split()) <= {"PATH", "LANG", "LC_CTYPE"}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def recording() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(sound("webm", "libopus"))
        file.seek(0)
        yield file


@pytest.mark.parametrize(
    ("target", "name", "kind"),
    [
        ("image", "picture.bmp", "image/bmp"),
        ("thumbnail", "video.mp4", "video/mp4"),
        ("video", "video.mkv", "video/x-matroska"),
        ("voice", "recorded.webm", "audio/webm"),
        ("audio", "sound.wav", "audio/wav"),
    ],
)
def test_a_full_disk_is_no_fault_of_the_file(target: str, name: str, kind: str) -> None:
    with (FILES / name).open("rb", buffering=0) as source, pytest.raises(process.NoRoom):
        process._run(Order(target, kind, 16 << 20), source, "/dev/full", 20, lambda: False)


def test_no_room_for_the_result_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: str) -> tuple[int, str]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(process.tempfile, "mkstemp", full)
    source = (FILES / "picture.bmp").open("rb", buffering=0)
    with source, pytest.raises(process.NoRoom), converted(Order("image", "image/bmp", 1 << 20), source):
        pass
