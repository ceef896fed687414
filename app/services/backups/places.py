"""Where a backup is written to and read from: a file, or an object of a store that speaks like S3."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from app.errors import Invalid, NotFound, Unavailable
from app.vault.s3_client import Bucket, s3_client

PART_BYTES = 64 << 20
PARTIAL = ".partial"


class Place(Protocol):
    """A backup's place. `work` names a file on this machine to write to first; `publish` gives it its name."""

    def publish(self, written: Path, sha256: str, progress: Callable[[int], None]) -> None:
        """Put what was written in place, and read it back. Raises `Unavailable`."""

    def fetch(self, target: Path, progress: Callable[[int], None]) -> Path:
        """Return the backup as a file of this machine: `target`, if it must be copied. Raises `NotFound`."""

    def beside(self) -> Path | None:
        """The folder in which to write first, so that a rename puts it in place; None for any."""


class FilePlace:
    """A file. It appears under its name whole, or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def beside(self) -> Path | None:
        """See `Place`."""
        return self._path.resolve().parent

    def publish(self, written: Path, sha256: str, progress: Callable[[int], None]) -> None:
        """Read the written file back from the disk, and rename it. An existing file of the name is replaced."""
        with written.open("rb") as file:
            os.fsync(file.fileno())
        if _hash(written, progress) != sha256:
            raise Unavailable(reason="what was read back is not what was written; is the disk damaged?")
        os.chmod(written, 0o600)
        os.replace(written, self._path)
        descriptor = os.open(self._path.resolve().parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def fetch(self, target: Path, progress: Callable[[int], None]) -> Path:
        """Return the file itself."""
        if not self._path.is_file():
            raise NotFound(f"There is no file {self._path}.")
        return self._path


class S3Place:
    """An object. Uploaded in parts with their MD5, read back whole; a failed upload leaves nothing under the name."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key

    def beside(self) -> Path | None:
        """See `Place`."""
        return None

    def publish(self, written: Path, sha256: str, progress: Callable[[int], None]) -> None:
        """Upload the file, and compare what the store gives back."""
        where = {"Bucket": self._bucket, "Key": self._key}
        with _translated():
            upload = self._client.create_multipart_upload(**where)["UploadId"]
            try:
                parts = self._upload(written, where | {"UploadId": upload}, progress)
                self._client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
            except BaseException:
                self._client.abort_multipart_upload(**where, UploadId=upload)
                raise
            digest = hashlib.sha256()
            for data in self._client.get_object(**where)["Body"].iter_chunks(1 << 20):
                digest.update(data)
                progress(len(data))
        if digest.hexdigest() != sha256:
            raise Unavailable(reason="what the store gives back is not what was uploaded")

    def _upload(self, written: Path, where: dict[str, Any], progress: Callable[[int], None]) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        with written.open("rb") as file:
            while (data := file.read(PART_BYTES)) or not parts:
                md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
                number = len(parts) + 1
                answer = self._client.upload_part(**where, PartNumber=number, Body=data, ContentMD5=md5)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
                progress(len(data))
        return parts

    def fetch(self, target: Path, progress: Callable[[int], None]) -> Path:
        """Download the object."""
        with _translated(), target.open("wb") as file:
            for data in self._client.get_object(Bucket=self._bucket, Key=self._key)["Body"].iter_chunks(1 << 20):
                file.write(data)
                progress(len(data))
        return target


class _translated:
    """Raises our errors in place of the store's."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if error is None or not type(error).__module__.startswith(("botocore", "urllib3")):
            return
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        if code in ("NoSuchKey", "404", "NoSuchBucket"):
            raise NotFound("The store has no backup of this name, or no such bucket.") from error
        raise Unavailable(reason=f"the store of the backup refuses: {code}") from error


def place_of(text: str, store: Bucket) -> Place:
    """Return the place that a path or `s3://bucket/key` names, the latter in the store whose address and keys are given
    (see `app.vault.backup_store_of`). Raises `Invalid`.

    A backup should lie in another account than what it is a copy of.
    """
    if not text.startswith("s3://"):
        path = Path(text).expanduser()
        if path.is_dir() or not path.resolve().parent.is_dir():
            raise Invalid(fields={"file": ["must be a file in a folder that exists"]})
        return FilePlace(path)
    parts = urlsplit(text)
    key = parts.path.lstrip("/")
    if not parts.netloc or not key or key.endswith("/"):
        raise Invalid(fields={"file": ["must be s3://bucket/name"]})
    return S3Place(s3_client(store), parts.netloc, key)


def _hash(path: Path, progress: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
            progress(len(data))
    return digest.hexdigest()
