"""Upload the files that queued sends wait for: some at once, each content once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from app.errors import Unavailable
from app.logs import get_logger
from app.services.outbound_media import AwaitedUpload, SendsAwaitingMedia
from app.store.meta_uploads import UploadKey

MOST_WAITING = 100
"""Uploads that this worker has taken on, those under way included. The others are looked at again after some seconds.
"""

logger = get_logger(__name__)


class SendMedia:
    """The loop of one worker. Only one thread may call `work` and `close`."""

    def __init__(self, sends: SendsAwaitingMedia, at_once: int) -> None:
        self._sends = sends
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="upload")
        self._running: dict[UploadKey, tuple[AwaitedUpload, Future[None]]] = {}
        self._is_stopping = False

    def work(self) -> bool:
        """Look at due sends and start uploads; return False if there was nothing to do. Raises `Unavailable`."""
        self._collect()
        if not self._sends.has_due():
            return False
        for awaited in self._sends.look():
            running = self._running.get(awaited.key)
            if running is not None:
                running[0].message_ids.update(awaited.message_ids)
            elif len(self._running) < MOST_WAITING:
                self._running[awaited.key] = awaited, self._pool.submit(self._upload, awaited)
        return True

    def is_at_rest(self) -> bool:
        """Whether no upload is under way."""
        return not self._running

    def begin_stop(self) -> None:
        """Give up what is being converted, and begin nothing more. Any thread may call it."""
        self._is_stopping = True

    def close(self) -> None:
        """Wait for the uploads that have begun, since another worker would repeat them."""
        self.begin_stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _upload(self, awaited: AwaitedUpload) -> None:
        self._sends.upload(awaited, lambda: self._is_stopping)

    def _collect(self) -> None:
        for key in [key for key, (_, future) in self._running.items() if future.done()]:
            _, future = self._running.pop(key)
            error = None if future.cancelled() else future.exception()
            if isinstance(error, Unavailable):
                logger.warning("the database cannot be used; an upload will be repeated")
            elif error is not None:
                logger.error("an upload broke", extra={"error": type(error).__name__})
