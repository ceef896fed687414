"""What Cloud API SDKs ask of Graph, asked with our tokens, for whoever may use the number in question.

A caller names objects by id. What belongs to a number that is not theirs does not exist for them, whether it does or
not. An id that we do not know may be a file's or a template's; what Meta says of it is looked at before it is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.domain.numbers import BusinessNumber
from app.errors import (
    Forbidden,
    GraphRefused,
    GraphUnauthorised,
    GraphUnavailable,
    GraphUnknown,
    NotFound,
    WrongState,
)
from app.graph.client import FILE_SECONDS, GraphClient
from app.graph.files import Download, Upload
from app.services.graph_proxy import allowlist
from app.services.graph_proxy.allowlist import ACCOUNT, ACCOUNT_FIELDS, LIBRARY, NUMBER, TEMPLATE
from app.services.graph_proxy.fields import read_fields
from app.services.messages import MarkRead
from app.services.registries import NumberDirectory

Json = dict[str, Any]
Numbers = tuple[str, ...] | None

_ID = re.compile(r"[0-9]{1,30}")
_MEDIA_FIELDS = frozenset({"id", "url", "mime_type", "sha256", "file_size", "messaging_product"})


@dataclass(frozen=True, slots=True, repr=False)
class ProxyAnswer:
    """Graph's answer, and the number whose token it was asked with."""

    number: BusinessNumber
    answer: Any

    @property
    def is_media(self) -> bool:
        """Whether it is a file."""
        return isinstance(self.answer, dict) and {"url", "mime_type"} <= self.answer.keys()


@dataclass(frozen=True, slots=True)
class ProxyCall:
    """A call of a caller's, without what only we or only they may say."""

    params: dict[str, str]
    body: Json | list[Any] | None = None
    numbers: Numbers = None
    upload: Upload | None = None


class GraphProxy:
    """Hands calls on to Graph. `numbers` bounds which of our numbers a caller may use; None means all.

    Every method raises `NotFound` for an object that is not the caller's, and what a call to Graph can end in.
    """

    def __init__(self, directory: NumberDirectory, graph: GraphClient, mark_read: MarkRead) -> None:
        self._directory = directory
        self._graph = graph
        self._mark_read = mark_read

    def number(self, phone_number_id: str, numbers: Numbers) -> BusinessNumber:
        """One of the caller's numbers."""
        for number in self._numbers(numbers):
            if number.phone_number_id == phone_number_id:
                return number
        raise NotFound

    def mark_read(self, phone_number_id: str, message_id: str, numbers: Numbers, *, typing: bool) -> None:
        """Show the customer that their message was read, and with `typing` that we write.

        A message that we have not seen, of the time before this gateway, is Meta's to know.
        """
        number = self.number(phone_number_id, numbers)
        try:
            self._mark_read(message_id, (phone_number_id,), typing=typing)
        except NotFound:
            if not message_id.startswith("wamid."):
                raise WrongState("No message has this id.") from None
            act = self._graph.show_typing if typing else self._graph.mark_read
            act(phone_number_id, message_id, number.access_token)

    def upload(self, phone_number_id: str, upload: Upload, numbers: Numbers) -> Any:
        """Give Meta a file to send later."""
        return self._graph.upload(phone_number_id, upload, self.number(phone_number_id, numbers).access_token)

    def download(self, media_id: str, query: ProxyCall) -> Download:
        """Open a file of the caller's numbers."""
        found = self._object(media_id, ProxyCall({}, numbers=query.numbers), query.params.get("phone_number_id"))
        if not found.is_media:
            raise NotFound
        return self._graph.download(found.answer["url"], found.number.access_token)

    def read(self, object_id: str, query: ProxyCall) -> ProxyAnswer:
        """A number, an account, a file, a template, or Meta's library of templates."""
        _check_fields(query)
        if object_id == LIBRARY and (mine := self._numbers(query.numbers)):
            return self._ask(mine[0], "GET", (LIBRARY,), query)
        for number in self._numbers(query.numbers):
            if object_id == number.phone_number_id:
                return self._ask(number, "GET", (object_id,), query)
            if object_id == number.waba_id:
                _check_account_fields(query)
                return self._ask(number, "GET", (object_id,), query)
        return self._object(object_id, query, query.params.get("phone_number_id"))

    def change(self, object_id: str, query: ProxyCall) -> ProxyAnswer:
        """Change a number's own webhook, or a template."""
        for number in self._numbers(query.numbers):
            if object_id == number.phone_number_id:
                return self._ask(number, "POST", (object_id,), query)
        found = self._object(object_id, ProxyCall({}, numbers=query.numbers), None)
        if found.is_media:
            raise NotFound
        return self._ask(found.number, "POST", (object_id,), query)

    def delete(self, object_id: str, query: ProxyCall) -> ProxyAnswer:
        """Delete a file. Graph deletes whatever has the id, so it is asked first what that is."""
        found = self._object(object_id, ProxyCall({}, numbers=query.numbers), query.params.get("phone_number_id"))
        if not found.is_media:
            raise NotFound
        owner = {"phone_number_id": found.number.phone_number_id}
        return self._ask(found.number, "DELETE", (object_id,), ProxyCall(owner))

    def edge(self, method: str, object_id: str, edge: str, query: ProxyCall) -> ProxyAnswer:
        """What Graph has at `/<object_id>/<edge>`, if that is handed on at all."""
        if allowlist.scope_of(edge, method) is None:
            raise NotFound
        _check_fields(query)
        kind = allowlist.kind_of(edge)
        if kind == TEMPLATE:
            found = self._object(object_id, ProxyCall({}, numbers=query.numbers), None)
            if found.is_media:
                raise NotFound
            return self._ask(found.number, method, (object_id, edge), query)
        number = self._owner(object_id, kind == NUMBER, query.numbers)
        path = (edge,) if edge == LIBRARY else (object_id, edge)
        found = self._ask(number, method, path, query)
        return _within(found, query.numbers) if edge == "phone_numbers" else found

    def item(self, method: str, object_id: str, edge: str, item_id: str, query: ProxyCall) -> ProxyAnswer:
        """One item of an edge: a number's QR code, an account's template."""
        if allowlist.scope_of_item(edge, method) is None:
            raise NotFound
        _check_fields(query)
        number = self._owner(object_id, allowlist.kind_of(edge) == NUMBER, query.numbers)
        if allowlist.kind_of(edge) == ACCOUNT:
            self._check_template(number, object_id, item_id)
            return self._ask(number, method, (item_id,), query)
        return self._ask(number, method, (object_id, edge, item_id), query)

    def _owner(self, object_id: str, is_number: bool, numbers: Numbers) -> BusinessNumber:
        """The caller's number that has this id, or the first one of the account that has it."""
        for number in self._numbers(numbers):
            if object_id == (number.phone_number_id if is_number else number.waba_id):
                return number
        raise NotFound

    def _check_template(self, number: BusinessNumber, account: str, template_id: str) -> None:
        """Raise `NotFound` unless the account itself lists the template: a token may reach those of other accounts."""
        if not _ID.fullmatch(template_id):
            raise NotFound
        name = self._ask(number, "GET", (template_id,), ProxyCall({"fields": "name"})).answer.get("name")
        listing = ProxyCall({"name": str(name), "fields": "id", "limit": "100"})
        listed = self._ask(number, "GET", (account, "message_templates"), listing).answer.get("data")
        if template_id not in {str(each.get("id")) for each in listed or ()}:
            raise NotFound

    def _numbers(self, numbers: Numbers) -> list[BusinessNumber]:
        known = self._directory.current.numbers
        return [number for number in known.values() if numbers is None or number.phone_number_id in numbers]

    def _object(self, object_id: str, query: ProxyCall, owner: str | None) -> ProxyAnswer:
        """A file of one of the caller's numbers, or a template, which no bound key reads: Graph does not say whose."""
        known = self._directory.current.numbers
        if not _ID.fullmatch(object_id) or object_id in {*known, *(number.waba_id for number in known.values())}:
            raise NotFound
        candidates = [n for n in self._numbers(query.numbers) if owner in (None, n.phone_number_id)]
        params = _object_params(query.params)
        locked: GraphUnauthorised | None = None
        for number in candidates:
            try:
                mine = params | {"phone_number_id": number.phone_number_id}
                found = self._ask(number, "GET", (object_id,), ProxyCall(mine))
            except GraphRefused:
                continue
            except GraphUnauthorised as error:  # another number's token may be better
                locked = error
                continue
            if found.is_media or (query.numbers is None and _is_template(found.answer)):
                return found
        raise locked or NotFound()

    def _ask(self, number: BusinessNumber, method: str, path: tuple[str, ...], query: ProxyCall) -> ProxyAnswer:
        body, upload = (None, None) if method == "GET" else (query.body, query.upload)
        more: dict[str, Any] = {"json": body}
        if upload is not None:
            content_type = {"Content-Type": upload.content_type}
            more = {"data": upload, "headers": content_type, "timeout_seconds": FILE_SECONDS}
        try:
            answer = self._graph.request(method, *path, token=number.access_token, params=query.params, **more)
        except GraphUnknown as error:
            if method == "GET":  # reading again does no harm
                raise error.as_a(GraphUnavailable) from error
            raise error.as_a(GraphUnknown, "Meta's answer did not come; it may have been done.") from error
        return ProxyAnswer(number, answer)


def _check_fields(query: ProxyCall) -> None:
    """Refuse fields that hold a token, or lead away from the object that is asked for."""
    read_fields(query.params.get("fields", ""))


def _check_account_fields(query: ProxyCall) -> None:
    """Refuse what tells a key that is bound to numbers of others of their account."""
    if query.numbers is not None and not ACCOUNT_FIELDS.issuperset(_top_names(query.params.get("fields", ""))):
        raise Forbidden("A key that is bound to numbers may not read these `fields` of their account.")


def _top_names(fields: str) -> set[str]:
    return {field.name for field in read_fields(fields) if not field.inside}


def _object_params(params: dict[str, str]) -> dict[str, str]:
    """The fields to ask an object for: enough of them to tell what it is."""
    asked = _top_names(params.get("fields", ""))
    if not asked:
        return {}
    known = {"url", "mime_type"} if asked <= _MEDIA_FIELDS else {"language", "category", "status"}
    return {"fields": ",".join(sorted(asked | known))}


def _is_template(answer: Any) -> bool:
    return isinstance(answer, dict) and {"language", "category", "status"} <= answer.keys()


def _within(found: ProxyAnswer, numbers: Numbers) -> ProxyAnswer:
    """A list of an account's numbers, without those that are not the caller's."""
    if numbers is None or not isinstance(found.answer, dict):
        return found
    shown = [each for each in found.answer.get("data") or [] if isinstance(each, dict) and each.get("id") in numbers]
    return ProxyAnswer(found.number, {**found.answer, "data": shown})
