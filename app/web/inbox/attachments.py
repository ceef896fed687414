"""Answer a customer with files: pictures, films, documents, and recordings of a voice."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from app.domain.outbound_media import LARGEST, Purpose, usual_purpose
from app.errors import AnsweredMeanwhile, GatewayError, Invalid
from app.services.conversations import Conversation
from app.services.outbound_media import NewFile
from app.web import uploads
from app.web.context import gateway
from app.web.inbox.access import pages, takes_files
from app.web.inbox.answers import answer, crossed, done, refused
from app.web.inbox.team import numbers

MOST_FILES = 10
LONGEST_CAPTION = 1024
_WITH_CAPTION = (Purpose.IMAGE, Purpose.VIDEO, Purpose.DOCUMENT)

bp = pages("agent", Blueprint("inbox_attachments", __name__, url_prefix="/inbox/<string(length=36):conversation_id>"))


@bp.post("/files")
@takes_files(LARGEST + uploads.FORM_ROOM)
def files(conversation_id: str) -> ResponseReturnValue:
    """Send files, each as a message of its own; the caption goes with the first that can have one."""
    conversation = gateway().conversations.one(conversation_id, numbers())
    caption = request.form.get("caption", "").strip()[:LONGEST_CAPTION]
    message_id = ""
    try:
        with uploads.receiving(LARGEST):
            found = [each for each in request.files.getlist("file") if each.filename][:MOST_FILES]
            if not found:
                raise Invalid(fields={"file": ["is required: choose one"]})
            for part, file in enumerate(found):
                message_id, has_caption = _send(conversation, file, caption, part)
                caption = "" if has_caption else caption
    except AnsweredMeanwhile:
        return crossed(conversation, caption)
    except GatewayError as error:
        return refused(conversation, error, caption)
    return done(conversation, message_id)


def _send(conversation: Conversation, file: FileStorage, caption: str, part: int) -> tuple[str, bool]:
    """Send one file; return the message's id, and whether it has the caption."""
    is_voice = bool(request.form.get("voice"))
    purpose = Purpose.VOICE if is_voice else None
    new = NewFile(file.filename, file.mimetype or None, conversation.phone_number_id, purpose)
    with gateway().upload_media.receive(new, uploads.file_pieces(file.stream), numbers()) as received:
        kind = "audio" if is_voice else str(usual_purpose(received.kind))
        content: dict[str, Any] = {"voice": True} if is_voice else {}
        if caption and kind in _WITH_CAPTION:
            content["caption"] = caption
        same = {"kind": kind, "sha256": received.sha256, **content}
        content["id"] = gateway().upload_media.keep(received).id
    body = {"type": kind, kind: content}
    return answer(conversation, body, quotes=part == 0, same=same, part=part), "caption" in content
