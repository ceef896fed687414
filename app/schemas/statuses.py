"""One element of `statuses[]` (Meta: webhooks/reference/messages/status, …/group)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.domain.notifications import Json, Person, Source, StatusFact
from app.schemas.base import MetaSchema
from app.schemas.change import CannotRead
from app.schemas.lenient import Moment, Object, Text
from app.schemas.people import Contacts, parse_person
from app.schemas.problems import first_error


class Status(MetaSchema):
    """A report on a message we sent. Group reports have a recipient that is the group, and a participant."""

    id = Text()
    status = Text()
    type = Text()
    timestamp = Moment()
    recipient_id = Text()
    recipient_user_id = Text()
    recipient_parent_user_id = Text()
    biz_opaque_callback_data = Text()
    pricing = Object()


_STATUS = Status()


class GroupStatus(MetaSchema):
    """Further keys of a report on a group message. One of Meta's samples swaps the words of the participant's key."""

    group_id = Text()
    recipient_participant_id = Text()
    participant_recipient_id = Text()
    recipient_participant_user_id = Text()
    participant_recipient_user_id = Text()
    recipient_participant_parent_user_id = Text()


_GROUP_STATUS = GroupStatus()


def parse_status(value: Any, contacts: Contacts, now: datetime, source: Source = Source.LIVE) -> StatusFact:
    """Read one report; a status new to us keeps its name. Raises `CannotRead` without a message id or a status."""
    if not isinstance(value, dict):
        raise CannotRead("The status is not an object.")
    report: Json = _STATUS.read(value)
    status = report["status"]
    if not report["id"] or not status:
        raise CannotRead("The status has no message id, or does not say which it is.")
    group_id, person, participant = _recipient(report)
    return StatusFact(
        wamid=report["id"],
        status=f"payment_{status}" if report["type"] == "payment" else status,
        timestamp=report["timestamp"] or now,
        person=contacts.complete(person),
        recipient_id=report["recipient_id"],
        participant=participant,
        group_id=group_id,
        error=first_error(report.get("errors")),
        pricing=report["pricing"],
        callback_data=report["biz_opaque_callback_data"],
        source=source,
    )


def _recipient(report: Json) -> tuple[str | None, Person, str]:
    """Return the group's id or None, the person that the report is about, and the participant's id ("" for none)."""
    if report.get("recipient_type") != "group" and not report.get("group_id"):
        person = parse_person(
            report["recipient_id"], report["recipient_user_id"], report["recipient_parent_user_id"]
        )
        return None, person, ""
    group = _GROUP_STATUS.read(report)
    person = parse_person(
        group["recipient_participant_id"] or group["participant_recipient_id"],
        group["recipient_participant_user_id"] or group["participant_recipient_user_id"],
        group["recipient_participant_parent_user_id"],
    )
    return group["group_id"] or report["recipient_id"], person, person.wa_id or person.user_id or ""
