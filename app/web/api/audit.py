"""The audit log. For `admin`: it says what everybody did."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.schemas.api.audit import AuditEntryAnswer, AuditQuery
from app.schemas.api.lists import list_of
from app.services.audit_log import list_entries
from app.store.audit_log import AuditFilter
from app.web.api import paging
from app.web.auth import requires
from app.web.context import gateway
from app.web.openapi.operations import describe
from app.web.query import query

bp = requires("admin", Blueprint("audit", __name__, url_prefix="/api/audit"))

_ANSWER = AuditEntryAnswer()


@bp.get("")
@describe("listAudit", "Audit", {200: list_of(AuditEntryAnswer)}, query=AuditQuery)
def index() -> ResponseReturnValue:
    """List who did what, newest first. Reading lists is not recorded; reading raw webhooks and exports is."""
    asked = query()
    limit, cursor = asked["limit"], asked.get("cursor")
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise paging.bad_cursor()
    wanted = AuditFilter(
        asked.get("actor"), asked.get("act"), asked.get("subject"), asked.get("since"), asked.get("until")
    )
    found = list_entries(gateway().database, wanted, limit=limit, before=int(cursor) if cursor else None)
    return paging.page(_ANSWER.dump(found, many=True), str(found[-1].id) if len(found) == limit else None)
