"""Small pictures: of what customers send, as it is to be seen, and of nothing that would cost too much."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image

from app.clock import utc_now
from app.container import Gateway
from app.domain.media_types import detect
from app.services.media.orphans import SweepOrphans
from app.store import media
from app.vault import FolderVault
from tests.conftest import API_KEY, on_sqlite
from tests.factories import PNID

HEADERS = {"Authorization": f"Bearer {API_KEY}"}
FILES = Path(__file__).parents[2] / "domain" / "media"
Keep = Callable[[bytes], str]

pytestmark = on_sqlite


@pytest.fixture
def keep(gateway: Gateway) -> Keep:
    """Put a file into the vault as a customer's; return its id."""

    def keep_(content: bytes) -> str:
        vault = gateway.media.vault
        assert vault is not None
        media_id = f"01a20c83-9c99-716b-8b07-{zlib.crc32(content):012x}"
        kind = detect(io.BytesIO(content))
        kept = vault.put([content], 10**8)
        row = {
            "id": media_id, "direction": "inbound", "phone_number_id": PNID, "message_id": None, "meta_media_id": None,
            "url": None, "declared_type": None, "declared_sha256": None, "filename": None, "state": "stored",
            "reason": None, "mime_type": kind.mime_type, "created_at": utc_now(), "expires_at": utc_now(), "job": None,
            "request_id": None,
        }  # fmt: skip
        with gateway.database.write() as session:
            media.add_wanted(session, [row])
            media.share(session, kept.sha256, kept.key, kept.size, kind, utc_now())
            media.change(session, media_id, {"sha256": kept.sha256, "size": kept.size})
        return media_id

    return keep_


def picture(mode: str, size: tuple[int, int], kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


def turned() -> bytes:
    """A picture of a phone that was held upright: its tag says that it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture("RGB", (1200, 600), "JPEG", exif=exif)


def bomb() -> bytes:
    """60,000 by 60,000 points in some kilobytes."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(4_000_000))), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def test_pictures_get_a_small_jpeg_and_everything_else_none(
    gateway: Gateway, client: FlaskClient, keep: Keep
) -> None:
    good = {
        keep(turned()): (240, 480),
        keep(picture("CMYK", (900, 300), "JPEG")): (480, 160),
        keep(picture("I;16", (64, 64), "PNG")): (64, 64),
        keep((FILES / "moving.webp").read_bytes()): (32, 24),
        keep((FILES / "picture.heic").read_bytes()): (32, 24),
    }
    bad = [keep(bomb()), keep(b"\xff\xd8\xff broken"), keep((FILES / "voice.ogg").read_bytes())]
    assert gateway.media_work is not None
    while gateway.media_work.make_thumbnails():
        pass

    for media_id, size in good.items():
        link = client.get(f"/api/media/{media_id}", headers=HEADERS).get_json()["thumbnail_url"]
        answer = client.get(link)
        assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
        with Image.open(io.BytesIO(answer.data)) as small:
            assert (small.format, small.size) == ("JPEG", size)
            assert not small.getexif()
    for media_id in bad:
        assert client.get(f"/api/media/{media_id}", headers=HEADERS).get_json()["thumbnail_url"] is None
        assert client.get(f"/media/{media_id}/thumbnail", headers=HEADERS).status_code == 404


def test_a_picture_that_the_vault_lost_gets_its_small_one_once_it_is_there_again(
    gateway: Gateway, keep: Keep, client: FlaskClient
) -> None:
    """A store that is not mounted must not cost every picture its small one for good."""
    media_id, other = keep(picture("RGB", (10, 10), "PNG")), keep(picture("RGB", (20, 20), "PNG"))
    vault = gateway.media.vault
    assert isinstance(vault, FolderVault) and gateway.media_work is not None
    with gateway.database.read() as session:
        key = media.wanted_thumbnail(session)
    assert key is not None
    path = vault.folder / key[1]
    path.rename(path.with_suffix(".away"))

    def has_small(one: str) -> bool:
        return client.get(f"/api/media/{one}", headers=HEADERS).get_json()["thumbnail_url"] is not None

    while gateway.media_work.make_thumbnails():
        pass
    assert (has_small(media_id), has_small(other)) == (False, True)

    path.with_suffix(".away").rename(path)
    SweepOrphans(gateway.database, vault, lambda: utc_now() + timedelta(days=2))(lambda _: None)
    while gateway.media_work.make_thumbnails():
        pass
    assert has_small(media_id)


def test_a_small_picture_goes_with_its_picture(gateway: Gateway, keep: Keep) -> None:
    media_id = keep(picture("RGB", (10, 10), "PNG"))
    assert gateway.media_work is not None and gateway.media.vault is not None
    gateway.media_work.make_thumbnails()
    assert len(list(gateway.media.vault.keys())) == 2

    with gateway.database.write() as session:
        media.release(session, [media_id], utc_now())
    gateway.media_work.discard()

    assert list(gateway.media.vault.keys()) == []
