"""Schemas of sends: the requests of callers, and the responses."""

from app.schemas.send.reading import read_lenient_request, read_send_request
from app.schemas.send.request import CONTENT_TYPES, SendMessageRequest
from app.schemas.send.response import SendMessageResponse

__all__ = ["CONTENT_TYPES", "SendMessageRequest", "SendMessageResponse", "read_lenient_request", "read_send_request"]
