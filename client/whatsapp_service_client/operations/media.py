"""Media. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import Literal, cast

from whatsapp_service_client.downloads import Download
from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import path_of
from whatsapp_service_client.types import MediaAnswer


class Media(Operations):
    """Media."""

    def list_media(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["pending", "stored", "at_meta", "gone", "refused", "erased"] | None = None,
        direction: Literal["inbound", "outbound"] | None = None,
        phone_number_id: str | None = None,
        message_id: str | None = None,
    ) -> Pages[MediaAnswer]:
        """List files, newest first, in either direction.

        - `cursor`: Where the last page ended: its `next_cursor`.
        - `phone_number_id`: Meta's id of one of our numbers.
        - `message_id`: Our id of the message that has the file.
        """
        path = "/api/media"
        query = {
            "limit": limit,
            "state": state,
            "direction": direction,
            "phone_number_id": phone_number_id,
            "message_id": message_id,
        }
        return self._pages(path, query, cursor)

    def get_media(self, media_id: str) -> MediaAnswer:
        """Show what is known of a file, by our id or Meta's."""
        path = path_of("/api/media/{media_id}", media_id=media_id)
        return cast(MediaAnswer, self.transport.json("GET", path))

    def download_media(self, media_id: str) -> Download:
        """Download a file, whole or one range of it; from Meta while it is not stored here."""
        path = path_of("/api/media/{media_id}/content", media_id=media_id)
        return Download(self.transport.send("GET", path, stream=True))

    def open_media(self, media_id: str, *, expires: str | None = None, signature: str | None = None) -> Download:
        """Open a file at the `content.url` of its message: with a key, signed in, or for an hour without.

        - `expires`: Of a signed link.
        - `signature`: Of a signed link.
        """
        path = path_of("/media/{media_id}", media_id=media_id)
        query = {"expires": expires, "signature": signature}
        return Download(self.transport.send("GET", path, query=query, stream=True))

    def open_thumbnail(self, media_id: str, *, expires: str | None = None, signature: str | None = None) -> Download:
        """Open the small JPEG of a picture.

        - `expires`: Of a signed link.
        - `signature`: Of a signed link.
        """
        path = path_of("/media/{media_id}/thumbnail", media_id=media_id)
        query = {"expires": expires, "signature": signature}
        return Download(self.transport.send("GET", path, query=query, stream=True))
