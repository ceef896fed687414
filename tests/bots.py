"""Modules of the user's, written by tests, and workers that run them."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.handlers.environment import without_secrets
from app.handlers.pool import HandlerPool
from app.jobs.deliver import DeliverDue
from app.models import Message
from app.services.delivering.dispatch import DispatchDelivery
from app.services.delivering.handler_actions import HandlerActions
from app.services.delivering.handler_delivery import HandlerDelivery
from app.services.endpoints.sync_handlers import SyncHandlers

if TYPE_CHECKING:
    from tests.jobs.conftest import Harness

MODULE = "bot"


def write_bot(directory: Path, code: str) -> dict[str, str]:
    """Write the module `bot`; return the environment that it is found in."""
    (directory / f"{MODULE}.py").write_text(textwrap.dedent(code))
    # Written twice within a second, it would be taken from its cache.
    return without_secrets(os.environ) | {"PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}


def new_pool(directory: Path, code: str, *, processes: int = 2, seconds: float = 20.0) -> HandlerPool:
    """A pool for a module with this code."""
    return HandlerPool(MODULE, write_bot(directory, code), processes=processes, seconds=seconds)


class Bots:
    """Workers whose handlers are given by their code."""

    def __init__(self, harness: Harness, directory: Path) -> None:
        self.harness, self.directory = harness, directory
        self.pools: list[HandlerPool] = []

    def load(self, code: str, **options: Any) -> SyncHandlers:
        """Start the worker anew with this code."""
        return self.start(new_pool(self.directory, code, **options))

    def start(self, pool: HandlerPool | None) -> SyncHandlers:
        """Start the worker anew with this pool, or without handlers."""
        harness, gateway = self.harness, self.harness.gateway
        handle = None
        if pool is not None:
            self.pools.append(pool)
            files = gateway.media, gateway.upload_media
            acts = HandlerActions(gateway.send, gateway.mark_read, gateway.hand_over, *files, region=None)
            handle = HandlerDelivery(pool, acts, gateway.hand_over.with_a_person, harness.clock)
        deliver = DispatchDelivery(harness.post, handle)
        harness.deliver.close()
        harness.deliver = DeliverDue(
            gateway.database, harness.directory, deliver, harness.clock, threads=8, serves=deliver.serves
        )  # fmt: skip
        self.follow = SyncHandlers(gateway.database, harness.directory, gateway.alerts, pool, harness.clock)
        self.follow()
        gateway.endpoints.forget()
        return self.follow

    def sent(self) -> list[Message]:
        """What was sent, oldest first."""
        with self.harness.gateway.database.read() as session:
            query = select(Message).where(Message.direction == "outbound", Message.source == "live")
            query = query.order_by(Message.id)
            return list(session.scalars(query))

    def said(self) -> list[str]:
        """The texts of it."""
        return [row.message for row in self.sent()]
