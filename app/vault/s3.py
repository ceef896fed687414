"""A vault in a bucket, at Amazon or at a store that speaks like S3.

Only put, get, head, delete, list and multipart uploads are used, with Content-MD5 for each part and without the newer
checksums: other stores refuse those, or keep the framing that carries them as part of the file. A content is there once
`head_object` says its size; some stores answer an upload well that they have lost.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from app.vault import spool
from app.vault.errors import MissingFile, VaultUnavailable, translated
from app.vault.s3_client import Bucket, s3_client
from app.vault.spool import Incoming
from app.vault.types import OWNERS, PIECE_BYTES, Kept, Opened, checked, is_owner, new_key, pieces_of

PART_BYTES = 8 * 1024 * 1024
"""Bytes in memory at once while a content is uploaded; longer contents are uploaded in parts of this size."""


class S3Vault:
    """Objects `<prefix>/ab/ab12…`: generated lower-case names without endings, written once."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @cached_property
    def _client(self) -> Any:
        return s3_client(self._bucket)

    def receive(self, pieces: Iterable[bytes], limit: int) -> Incoming:
        """See `Vault.receive`. The content is spooled on this machine: a bucket takes nothing of unknown length."""
        with translated():
            return spool.receive(_spool_folder(), pieces, limit)

    def keep(self, incoming: Incoming) -> str:
        """See `Vault.keep`."""
        key = new_key()
        incoming.file.seek(0)
        with self._translated():
            if incoming.size <= PART_BYTES:
                self._upload(self._client.put_object, key, incoming.file.read(), incoming.md5)
            else:
                self._upload_parts(key, incoming)
            head = self._client.head_object(Bucket=self._bucket.name, Key=self._name(key))
        if int(head["ContentLength"]) != incoming.size:
            raise VaultUnavailable(meta={"reason": "the store kept another number of bytes than it was given"})
        return key

    def put(self, stream: IO[bytes] | Iterable[bytes], limit: int) -> Kept:
        """See `Vault.put`."""
        with self.receive(pieces_of(stream), limit) as incoming:
            return Kept(self.keep(incoming), incoming.sha256, incoming.size)

    def open(self, key: str, start: int = 0, length: int | None = None) -> Opened:
        """See `Vault.open`. Some stores answer a range with the whole content: what is not wanted is passed over."""
        if length == 0:
            return _Pieces(None, 0, 0)
        ranged = start > 0 or length is not None
        asked = {"Range": f"bytes={start}-{'' if length is None else start + length - 1}"} if ranged else {}
        with self._translated():
            answer = self._client.get_object(Bucket=self._bucket.name, Key=self._name(key), **asked)
        is_whole = ranged and answer["ResponseMetadata"]["HTTPStatusCode"] != 206 and not answer.get("ContentRange")
        return _Pieces(answer["Body"], start if is_whole else 0, length)

    def delete(self, key: str) -> None:
        """See `Vault.delete`."""
        with self._translated(), suppress(MissingFile):
            self._client.delete_object(Bucket=self._bucket.name, Key=self._name(key))

    def stat(self, key: str) -> int | None:
        """See `Vault.stat`."""
        try:
            with self._translated():
                return int(self._client.head_object(Bucket=self._bucket.name, Key=self._name(key))["ContentLength"])
        except MissingFile:
            return None

    def keys(self) -> Iterator[str]:
        """See `Vault.keys`."""
        return (key for key, _ in self.written())

    def written(self) -> Iterator[tuple[str, float]]:
        """See `Vault.written`. What has no name of ours is passed over."""
        for name, moment in self._list(""):
            with suppress(MissingFile):
                yield checked(name), moment

    def owners(self) -> set[str]:
        """See `Vault.owners`."""
        found = (name.removeprefix(f"{OWNERS}/") for name, _ in self._list(f"{OWNERS}/"))
        return {name for name in found if is_owner(name)}

    def sign(self, owner: str) -> None:
        """See `Vault.sign`."""
        with self._translated():
            self._client.put_object(Bucket=self._bucket.name, Key=self._within(f"{OWNERS}/{owner}"), Body=b"1")

    def sweep(self, older_than: float) -> int:
        """See `Vault.sweep`: what was spooled on this machine."""
        with translated():
            return spool.sweep(_spool_folder(), older_than)

    def _list(self, start: str) -> Iterator[tuple[str, float]]:
        """Return name within the prefix and time of writing of all objects whose names begin with `start`."""
        asked = {"Bucket": self._bucket.name, "Prefix": self._within(start)}
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(**asked))
        while True:
            with self._translated():
                page = next(pages, None)
            if page is None:
                return
            for found in page.get("Contents", ()):
                yield str(found["Key"]).removeprefix(self._within("")), found["LastModified"].timestamp()

    def _upload(self, call: Any, key: str, content: bytes, md5: bytes, **more: Any) -> str:
        answer = call(
            Bucket=self._bucket.name, Key=self._name(key), Body=content, ContentLength=len(content),
            ContentMD5=base64.b64encode(md5).decode(), **more,
        )  # fmt: skip
        if not answer.get("ETag"):
            raise VaultUnavailable(meta={"reason": "the store's answer has no ETag, so it kept nothing"})
        return str(answer["ETag"])

    def _upload_parts(self, key: str, incoming: Incoming) -> None:
        where = {"Bucket": self._bucket.name, "Key": self._name(key)}
        upload = self._client.create_multipart_upload(**where)["UploadId"]
        try:
            parts: list[dict[str, object]] = []
            while content := incoming.file.read(PART_BYTES):
                number = len(parts) + 1
                md5 = hashlib.md5(content, usedforsecurity=False).digest()
                etag = self._upload(self._client.upload_part, key, content, md5, UploadId=upload, PartNumber=number)
                parts.append({"ETag": etag, "PartNumber": number})
            self._client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
        except BaseException:
            with suppress(Exception):  # the store's own rules delete what is left of it
                self._client.abort_multipart_upload(**where, UploadId=upload)
            raise

    def _name(self, key: str) -> str:
        return self._within(checked(key))

    def _within(self, name: str) -> str:
        return f"{self._bucket.prefix}/{name}" if self._bucket.prefix else name

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise our errors in place of boto's, whose texts may hold addresses and keys."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ("NoSuchKey", "404", "NotFound"):
                raise MissingFile from None
            raise VaultUnavailable(meta={"reason": f"the store answered {code[:40]}"}) from error
        except (BotoCoreError, OSError) as error:
            raise VaultUnavailable(meta={"reason": type(error).__name__}) from error


def _spool_folder() -> Path:
    """Return the folder of this user alone, among the machine's temporary files, where contents are spooled."""
    folder = Path(tempfile.gettempdir()) / f"whatsapp-service-media-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():  # somebody else made it first
        return Path(tempfile.mkdtemp(prefix="whatsapp-service-media-"))
    return folder


class _Pieces:
    """A part of an object's body, in pieces: `length` bytes after the first `skipped`."""

    def __init__(self, body: Any, skipped: int, length: int | None) -> None:
        self._body = body
        self._skipped = skipped
        self._left = length

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while True:
            piece = self._read()
            if not piece:
                self.close()
                raise StopIteration
            if self._skipped >= len(piece):
                self._skipped -= len(piece)
                continue
            piece, self._skipped = piece[self._skipped :], 0
            if self._left is not None:
                piece = piece[: self._left]
                self._left -= len(piece)
            return piece

    def close(self) -> None:
        """Release the connection."""
        if self._body is not None:
            self._body.close()

    def _read(self) -> bytes:
        if self._left == 0 or self._body is None:
            return b""
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        try:
            piece: bytes = self._body.read(PIECE_BYTES)
        except (BotoCoreError, HTTPError, OSError) as error:
            raise VaultUnavailable(meta={"reason": type(error).__name__}) from error
        return piece
