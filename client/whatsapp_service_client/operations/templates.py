"""Templates. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.types import TemplateAnswer


class Templates(Operations):
    """Templates."""

    def list_templates(self, *, phone_number_id: str | None = None, name: str | None = None) -> Pages[TemplateAnswer]:
        """List the approved templates that a number can send, by name and language. Meta is asked every five minutes.

        - `phone_number_id`: Those of this number's account; needed if there are several.
        - `name`: Of this name.
        """
        path = "/api/templates"
        query = {"phone_number_id": phone_number_id, "name": name}
        return self._pages(path, query)
