"""Webhooks are kept whatever else is going on."""

from __future__ import annotations

from contextlib import ExitStack

from sqlalchemy import func, select, text

from app.db.database import POOL_SIZE, Database
from app.models import Notification
from tests.conftest import PostWebhook, on_postgresql
from tests.factories import message_body
from tests.factories import text as text_of


@on_postgresql
def test_a_webhook_is_kept_while_sends_hold_all_connections(database: Database, post_webhook: PostWebhook) -> None:
    with ExitStack() as sends:
        for _ in range(POOL_SIZE):
            sends.enter_context(database.read()).execute(text("SELECT 1"))

        assert post_webhook(message_body(text_of())).status_code == 200

    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Notification)) == 1
