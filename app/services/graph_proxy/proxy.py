"""Forward the calls of Cloud API SDKs to Graph, with the tokens of the numbers that the caller may use.

A caller names objects by id. Objects of other numbers are answered as not found. An id that is neither a number nor an
account may be that of a file or a template; Graph's answer is checked before it is returned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.domain.media import StoredMedia
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
from app.services.media import ReadMedia
from app.services.messages import MarkRead
from app.services.registries import NumberDirectory

Json = dict[str, Any]
Numbers = tuple[str, ...] | None

_ID = re.compile(r"[0-9]{1,30}")
_MEDIA_FIELDS = frozenset({"id", "url", "mime_type", "sha256", "file_size", "messaging_product"})


@dataclass(frozen=True, slots=True, repr=False)
class ProxyAnswer:
    """Graph's answer (decoded JSON), and the number whose token was used."""

    number: BusinessNumber
    answer: Any

    @property
    def is_media(self) -> bool:
        """Whether the answer describes a file."""
        return isinstance(self.answer, dict) and {"url", "mime_type"} <= self.answer.keys()


@dataclass(frozen=True, slots=True)
class ProxyCall:
    """The parameters, body and upload of a caller's call. `numbers` bounds the numbers it may use; None means all."""

    params: dict[str, str]
    body: Json | list[Any] | None = None
    numbers: Numbers = None
    upload: Upload | None = None


class GraphProxy:
    """Forwards calls to Graph. `numbers` bounds the numbers a caller may use; None means all.

    Every method raises `NotFound` for an object that the caller may not use, and the errors of `GraphClient`.
    """

    def __init__(self, directory: NumberDirectory, graph: GraphClient, mark_read: MarkRead, files: ReadMedia) -> None:
        self._directory = directory
        self._graph = graph
        self._mark_read = mark_read
        self._files = files

    def number(self, phone_number_id: str, numbers: Numbers) -> BusinessNumber:
        """Return one of the caller's numbers."""
        for number in self._numbers(numbers):
            if number.phone_number_id == phone_number_id:
                return number
        raise NotFound

    def numbers_of(self, waba_id: str, numbers: Numbers) -> list[str]:
        """Return the ids of the caller's numbers of an account. Raises `NotFound` if there is none."""
        found = [number.phone_number_id for number in self._numbers(numbers) if number.waba_id == waba_id]
        if not found:
            raise NotFound
        return found

    def mark_read(self, phone_number_id: str, message_id: str, numbers: Numbers, *, typing: bool) -> None:
        """Mark a message as read at Meta, and with `typing` show the typing indicator.

        A wamid that is not stored is passed to Meta: it may be older than this gateway.
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
        """Upload a file to send later; return Graph's answer with its `id`."""
        return self._graph.upload(phone_number_id, upload, self.number(phone_number_id, numbers).access_token)

    def download(self, media_id: str, query: ProxyCall) -> Download:
        """Open a file of one of the caller's numbers."""
        found = self._object(media_id, ProxyCall({}, numbers=query.numbers), query.params.get("phone_number_id"))
        if not found.is_media:
            raise NotFound
        return self._graph.download(found.answer["url"], found.number.access_token)

    def kept(self, media_id: str, query: ProxyCall) -> StoredMedia | None:
        """Return a file of one of the caller's numbers that is stored here, by Meta's id; None if it is not.

        It is answered from here also after Meta has deleted its copy.
        """
        owner = query.params.get("phone_number_id")
        numbers = [each.phone_number_id for each in self._numbers(query.numbers)]
        if not _ID.fullmatch(media_id) or (owner is not None and owner not in numbers):
            return None
        try:
            found = self._files.find(media_id, numbers if owner is None else [owner])
        except NotFound:
            return None
        return found if found.key is not None else None

    def read(self, object_id: str, query: ProxyCall) -> ProxyAnswer:
        """Read a number, an account, a file, a template, or Meta's library of templates."""
        _check_fields(query)
        if object_id == LIBRARY and (mine := self._numbers(query.numbers)):
            return self._ask(mine[0], "GET", (LIBRARY,), query)
        for number in self._numbers(query.numbers):
            if object_id == number.phone_number_id:
                return self._ask(number, "GET", (object_id,), query)
            if object_id == number.waba_id:
                _check_account_fields(query)
                return self._ask(number, "GET", (object_id,), query)
        kept = self.kept(object_id, query)
        if kept is not None:
            answer = {
                "url": "", "mime_type": kept.full_type, "sha256": kept.sha256, "file_size": kept.size, "id": object_id,
                "messaging_product": "whatsapp",
            }  # fmt: skip
            asked = _top_names(query.params.get("fields", "")) | {"id"}
            shown = {name: value for name, value in answer.items() if len(asked) == 1 or name in asked}
            return ProxyAnswer(self.number(kept.phone_number_id, query.numbers), shown)
        return self._object(object_id, query, query.params.get("phone_number_id"))

    def change(self, object_id: str, query: ProxyCall) -> ProxyAnswer:
        """Change the webhook of a number, or a template."""
        for number in self._numbers(query.numbers):
            if object_id == number.phone_number_id:
                return self._ask(number, "POST", (object_id,), query)
        found = self._object(object_id, ProxyCall({}, numbers=query.numbers), None)
        if found.is_media:
            raise NotFound
        return self._ask(found.number, "POST", (object_id,), query)

    def delete(self, object_id: str, query: ProxyCall) -> ProxyAnswer:
        """Delete a file. Graph deletes any object with that id, so the object is read first."""
        found = self._object(object_id, ProxyCall({}, numbers=query.numbers), query.params.get("phone_number_id"))
        if not found.is_media:
            raise NotFound
        owner = {"phone_number_id": found.number.phone_number_id}
        return self._ask(found.number, "DELETE", (object_id,), ProxyCall(owner))

    def edge(self, method: str, object_id: str, edge: str, query: ProxyCall) -> ProxyAnswer:
        """Call `/<object_id>/<edge>`. Raises `NotFound` for an edge that is not served."""
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
        """Call one item of an edge: a number's QR code, or an account's template."""
        if allowlist.scope_of_item(edge, method) is None:
            raise NotFound
        _check_fields(query)
        number = self._owner(object_id, allowlist.kind_of(edge) == NUMBER, query.numbers)
        if allowlist.kind_of(edge) == ACCOUNT:
            self._check_template(number, object_id, item_id)
            return self._ask(number, method, (item_id,), query)
        return self._ask(number, method, (object_id, edge, item_id), query)

    def _owner(self, object_id: str, is_number: bool, numbers: Numbers) -> BusinessNumber:
        """Return the caller's number with this id, or the first one of the account with this id."""
        for number in self._numbers(numbers):
            if object_id == (number.phone_number_id if is_number else number.waba_id):
                return number
        raise NotFound

    def _check_template(self, number: BusinessNumber, account: str, template_id: str) -> None:
        """Raise `NotFound` unless the account lists the template, since a token may reach other accounts."""
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
        """Read a file of one of the caller's numbers, or a template. Keys bound to numbers cannot read templates by id,
        since Graph does not tell whose they are."""
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
            except GraphUnauthorised as error:  # the token of another number may be valid
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
            if method == "GET":  # a read may be repeated
                raise error.as_a(GraphUnavailable) from error
            raise error.as_a(GraphUnknown, "Meta's answer did not come; it may have been done.") from error
        return ProxyAnswer(number, answer)


def _check_fields(query: ProxyCall) -> None:
    """Raise `Forbidden` for fields that hold a token, or lead to other objects."""
    read_fields(query.params.get("fields", ""))


def _check_account_fields(query: ProxyCall) -> None:
    """Raise `Forbidden` if a key bound to numbers asks for data of other numbers of the account."""
    if query.numbers is not None and not ACCOUNT_FIELDS.issuperset(_top_names(query.params.get("fields", ""))):
        raise Forbidden("A key that is bound to numbers may not read these `fields` of their account.")


def _top_names(fields: str) -> set[str]:
    return {field.name for field in read_fields(fields) if not field.inside}


def _object_params(params: dict[str, str]) -> dict[str, str]:
    """Return the `fields` parameter for an object, with those that tell a file from a template."""
    asked = _top_names(params.get("fields", ""))
    if not asked:
        return {}
    known = {"url", "mime_type"} if asked <= _MEDIA_FIELDS else {"language", "category", "status"}
    return {"fields": ",".join(sorted(asked | known))}


def _is_template(answer: Any) -> bool:
    return isinstance(answer, dict) and {"language", "category", "status"} <= answer.keys()


def _within(found: ProxyAnswer, numbers: Numbers) -> ProxyAnswer:
    """Return a list of an account's numbers without those that the caller may not use."""
    if numbers is None or not isinstance(found.answer, dict):
        return found
    shown = [each for each in found.answer.get("data") or [] if isinstance(each, dict) and each.get("id") in numbers]
    return ProxyAnswer(found.number, {**found.answer, "data": shown})
