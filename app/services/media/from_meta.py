"""Files as Meta gives them out, with the token of the number that received them."""

from __future__ import annotations

from app.errors import GraphError, GraphRefused, GraphUnauthorised, GraphUnavailable, GraphUnknown
from app.graph import media
from app.graph.client import GraphClient
from app.graph.files import Download
from app.graph.media import MetaFile
from app.services.registries import NumberDirectory


class MetaFiles:
    """Looks up and opens files at Meta. Any number's token goes to the hosts of Meta alone (`graph.files.is_metas`)."""

    def __init__(self, graph: GraphClient, directory: NumberDirectory) -> None:
        self._graph = graph
        self._directory = directory

    def look_up(self, meta_media_id: str, phone_number_id: str) -> MetaFile:
        """Return where a file can be fetched now.

        Raises `GraphError`, with `GraphUnavailable` in place of `GraphUnknown`, because a read may be repeated.
        """
        try:
            return media.look_up(self._graph, meta_media_id, phone_number_id, self._token(phone_number_id))
        except GraphUnknown as error:
            raise error.as_a(GraphUnavailable) from error

    def open(self, url: str, phone_number_id: str) -> Download:
        """Open a file at one of Meta's URLs. Raises `GraphError`, for an expired URL `GraphRefused`."""
        try:
            return self._graph.download(url, self._token(phone_number_id))
        except GraphUnknown as error:
            raise error.as_a(GraphUnavailable) from error

    def open_by_id(self, meta_media_id: str | None, phone_number_id: str) -> Download:
        """Open a file by Meta's id. Raises `GraphError`."""
        if not meta_media_id:
            raise GraphRefused("Meta's id of the file is not known.")
        return self.open(self.look_up(meta_media_id, phone_number_id).url, phone_number_id)

    def _token(self, phone_number_id: str) -> str:
        number = self._directory.current.find(phone_number_id)
        if number is None:
            raise GraphUnauthorised("The number of this file is not configured, so no token can fetch it.")
        return number.access_token


def is_missing(error: GraphError) -> bool:
    """Return whether Graph says that it has no object of this id, or shows it to nobody with this token."""
    return (error.meta or {}).get("code") == 100
