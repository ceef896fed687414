from __future__ import annotations

import io
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, cast

import pytest
import requests
import responses

from app.errors import GraphRefused, GraphUnavailable, GraphUnknown
from app.graph.client import GraphClient
from app.graph.files import Upload, is_metas

ROOT = "https://graph.example/v26.0"
URL = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&hash=x"


@pytest.fixture
def client() -> Iterator[GraphClient]:
    client = GraphClient("https://graph.example", "v26.0", service_version="0")
    yield client
    client.close()


@pytest.mark.parametrize(
    ("url", "is_theirs"),
    [(URL, True), ("https://scontent.fbcdn.net/a", True), ("https://graph.example/a", True),
     ("http://lookaside.fbsbx.com/a", False), ("https://fbsbx.com.evil.example/a", False),
     ("https://evilfbsbx.com/a", False), ("https://lookaside.fbsbx.com:8443/a", False), ("//fbsbx.com", False),
     ("https://evil.example\\@lookaside.fbsbx.com/a", False), ("https://evil.example/@lookaside.fbsbx.com/", False),
     ("https://lookaside.fbsbx.com\t/a", False), ("https://a:b@lookaside.fbsbx.com/a", False),
     ("https://LOOKASIDE.fbsbx.com/a?b=c#d", True), ("https://graph.example@evil.example/", False),
     ("http://graph.example/a", False), ("https://[", False),
     ("", False)],
)  # fmt: skip
def test_the_token_goes_to_metas_hosts_alone(url: str, is_theirs: bool) -> None:
    assert is_metas(url, ROOT) is is_theirs


def test_a_file_elsewhere_is_not_fetched(client: GraphClient) -> None:
    with responses.RequestsMock(), pytest.raises(GraphRefused):
        client.download("https://evil.example/file", "EAAtoken")


def test_a_file_is_fetched_with_the_token(client: GraphClient) -> None:
    with responses.RequestsMock() as graph:
        graph.get(URL, body=b"%PDF", content_type="application/pdf", headers={"Content-Length": "4"})
        found = client.download(URL, "EAAtoken")

        assert (found.mime_type, found.size, b"".join(found)) == ("application/pdf", 4, b"%PDF")
        assert graph.calls[0].request.headers["Authorization"] == "Bearer EAAtoken"


@pytest.mark.parametrize(
    ("answer", "error"),
    [({"status": 404}, GraphRefused), ({"status": 401}, GraphRefused), ({"status": 502}, GraphUnavailable),
     ({"status": 302, "headers": {"Location": "https://evil.example/"}}, GraphRefused),
     ({"body": requests.ReadTimeout("secret")}, GraphUnknown)],
)  # fmt: skip
def test_a_file_that_does_not_come_is_an_error(client: GraphClient, answer: Any, error: type[Exception]) -> None:
    with responses.RequestsMock() as graph:
        graph.get(URL, **answer)
        with pytest.raises(error):
            client.download(URL, "EAAtoken")


@pytest.mark.parametrize("name", ["bill.pdf", 'a "quoted" name.pdf', "ñandú.pdf", "a\r\nX-Evil: 1.pdf", ""])
def test_an_upload_is_a_form_of_known_parts(name: str) -> None:
    content = bytes(range(256)) * 1000
    upload = Upload(io.BytesIO(content), len(content), filename=name, mime_type="application/pdf\r\nX: 1",
                    fields={"messaging_product": "whatsapp", "type": "a\r\nb"})  # fmt: skip

    raw = b"".join(upload)

    assert len(upload) == len(raw)
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {upload.content_type}\r\n\r\n".encode() + raw)
    product, type_, file = (cast(EmailMessage, part) for part in message.iter_parts())  # type: ignore[attr-defined]
    assert (product.get_content(), type_.get_content()) == ("whatsapp", "a\r\nb")
    assert file.get_payload(decode=True) == content
    assert "X-Evil" not in file.keys() and "X" not in file.keys()
