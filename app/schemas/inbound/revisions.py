"""Edits and revocations of messages (Meta: webhooks/reference/messages/edit, …/revoke)."""

from __future__ import annotations

from app.domain.notifications import EditFact
from app.schemas.base import MetaSchema
from app.schemas.change import CannotRead
from app.schemas.inbound.envelope import Arrival
from app.schemas.lenient import Object, Text


class Revision(MetaSchema):
    """The `edit` or `revoke` object."""

    original_message_id = Text()
    message = Object()


_REVISION = Revision()


def parse_edit(arrival: Arrival) -> EditFact:
    """Return the new content of a message that its sender edited."""
    return _read(arrival, revoked=False)


def parse_revoke(arrival: Arrival) -> EditFact:
    """Return the revocation of a message by its sender."""
    return _read(arrival, revoked=True)


def _read(arrival: Arrival, *, revoked: bool) -> EditFact:
    revision = _REVISION.read(arrival.value)
    original = revision["original_message_id"]
    if not original:
        raise CannotRead("The edit or revocation does not say of which message.")
    message = revision["message"]
    return EditFact(
        wamid=arrival.wamid,
        original_wamid=original,
        timestamp=arrival.timestamp,
        person=arrival.person,
        revoked=revoked,
        message=None if revoked or message is None else arrival.revised(message, original).message(),
        source=arrival.around.source,
    )
