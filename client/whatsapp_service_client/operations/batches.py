"""Batches. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import path_of
from whatsapp_service_client.types import BatchAnswer


class Batches(Operations):
    """Batches."""

    def list_batches(self, *, limit: int | None = None, cursor: str | None = None) -> Pages[BatchAnswer]:
        """List batches, newest first.

        - `cursor`: Where the last page ended: its `next_cursor`.
        """
        path = "/api/batches"
        query = {"limit": limit}
        return self._pages(path, query, cursor)

    def get_batch(self, batch_id: str) -> BatchAnswer:
        """Show one batch, and how many of its messages are in which status."""
        path = path_of("/api/batches/{batch_id}", batch_id=batch_id)
        return cast(BatchAnswer, self.transport.json("GET", path))

    def cancel_batch(self, batch_id: str, *, idempotency_key: str | None = None) -> BatchAnswer:
        """Cancel a batch. What has not left is given up."""
        path = path_of("/api/batches/{batch_id}/cancel", batch_id=batch_id)
        return cast(BatchAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))

    def pause_batch(self, batch_id: str, *, idempotency_key: str | None = None) -> BatchAnswer:
        """Pause a batch. What has not left waits."""
        path = path_of("/api/batches/{batch_id}/pause", batch_id=batch_id)
        return cast(BatchAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))

    def resume_batch(self, batch_id: str, *, idempotency_key: str | None = None) -> BatchAnswer:
        """Go on with a batch, also after Meta stopped the number's campaigns."""
        path = path_of("/api/batches/{batch_id}/resume", batch_id=batch_id)
        return cast(BatchAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))

    def retry_batch(self, batch_id: str, *, idempotency_key: str | None = None) -> BatchAnswer:
        """Try a batch's failed messages again."""
        path = path_of("/api/batches/{batch_id}/retry-failed", batch_id=batch_id)
        return cast(BatchAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))
