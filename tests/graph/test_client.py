import json
import logging
import subprocess
import sys

import pytest
import responses
from requests.exceptions import ConnectionError as NoConnection

from app.errors import (
    GraphError,
    GraphRefused,
    GraphThrottled,
    GraphUnauthorised,
    GraphUnavailable,
    GraphUnknown,
)
from app.graph.answers import SendResult
from app.graph.client import GraphClient
from tests.graph.far_end import far_end
from tests.graph.test_transport import ANSWER, say

URL = "https://graph.facebook.com/v26.0/700100/messages"
SENT = {"messages": [{"id": "wamid.1", "message_status": "accepted"}], "contacts": [{"input": "x", "wa_id": "34600"}]}


def error_body(code: object, **more: object) -> dict[str, object]:
    error = {"message": f"(#{code}) Something", "type": "OAuthException", "code": code, "fbtrace_id": "AbC", **more}
    return {"error": error}


def send(client: GraphClient) -> SendResult:
    return client.send("700100", {"type": "text"}, "a-token")


@responses.activate
def test_it_returns_what_graph_calls_the_message(client: GraphClient) -> None:
    responses.post(URL, json=SENT)

    result = send(client)

    assert result == SendResult(wamid="wamid.1", message_status="accepted", wa_id="34600")


@responses.activate
def test_it_returns_the_user_id_when_meta_hides_the_number(client: GraphClient) -> None:
    responses.post(URL, json={"messages": [{"id": "wamid.1"}], "contacts": [{"input": "ES.1", "user_id": "ES.1"}]})

    result = send(client)

    assert (result.wa_id, result.user_id, result.message_status) == (None, "ES.1", None)


@responses.activate
def test_text_and_image_messages_have_a_short_way(client: GraphClient) -> None:
    responses.post(URL, json=SENT)

    client.send_text_message("700100", "+34600111222", "Hola", "a-token")
    client.send_image_message("700100", "+34600111222", "https://example.com/a.jpg", "a-token", caption="look")

    text, image = (json.loads(call.request.body) for call in responses.calls)
    assert text["text"] == {"body": "Hola"}
    assert image["image"] == {"link": "https://example.com/a.jpg", "caption": "look"}
    assert {text["to"], image["to"]} == {"+34600111222"}


@responses.activate
def test_it_marks_read_and_shows_typing(client: GraphClient) -> None:
    responses.post(URL, json={"success": True})

    client.mark_read("700100", "wamid.9", "a-token")
    client.show_typing("700100", "wamid.9", "a-token")

    read, typing = (json.loads(call.request.body) for call in responses.calls)
    assert read == {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.9"}
    assert typing == {**read, "typing_indicator": {"type": "text"}}


@responses.activate
@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, 190, GraphUnauthorised),
        (403, 10, GraphUnauthorised),
        (403, 200, GraphUnauthorised),
        (500, 3, GraphUnauthorised),
        (400, 130429, GraphThrottled),
        (429, 130429, GraphThrottled),
        (400, 131056, GraphThrottled),
        (400, 80007, GraphThrottled),
        (400, 4, GraphThrottled),
        (429, 987654, GraphThrottled),
        (400, 131047, GraphRefused),
        (400, 131026, GraphRefused),
        (400, 131048, GraphRefused),
        (404, 132001, GraphRefused),
        (400, 100, GraphRefused),
        (500, 131045, GraphRefused),
        (400, 987654, GraphRefused),
        (403, 987654, GraphUnauthorised),
        (400, 131053, GraphUnavailable),
        (500, 131057, GraphUnavailable),
        (400, 1, GraphUnavailable),
        (500, 1, GraphUnknown),
        (503, 2, GraphUnavailable),
        (500, 131000, GraphUnknown),
        (500, 131016, GraphUnavailable),
        (500, 987654, GraphUnknown),
        (502, None, GraphUnknown),
        (400, "131047", GraphRefused),
    ],
)
def test_graphs_error_json_becomes_one_of_our_errors(
    client: GraphClient, status: int, code: object, expected: type[GraphError]
) -> None:
    responses.post(URL, status=status, json=error_body(code))

    with pytest.raises(GraphError) as caught:
        send(client)

    assert type(caught.value) is expected


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "", GraphUnknown),
        (200, "<html>", GraphUnknown),
        (200, "[]", GraphUnknown),
        (200, "null", GraphUnknown),
        (200, "{}", GraphUnknown),
        (200, '{"messages":[]}', GraphUnknown),
        (200, '{"messages":[null]}', GraphUnknown),
        (200, '{"messages":[{"id":""}]}', GraphUnknown),
        (200, '{"messages":[{"id":7}]}', GraphUnknown),
        (200, '{"messages":{"id":"wamid.1"}}', GraphUnknown),
        (200, '{"error":{"code":131047}}', GraphUnknown),
        (200, "[" * 100_000, GraphUnknown),
        (200, b"\xff\xfe\x00", GraphUnknown),
        (500, "", GraphUnknown),
        (502, "<html>Bad Gateway", GraphUnknown),
        (400, "<html>Bad Request", GraphUnknown),
        (400, "[]", GraphUnknown),
        (400, '{"error":"no"}', GraphUnknown),
        (429, "", GraphThrottled),
        (429, "{}", GraphThrottled),
        (301, "", GraphUnknown),
    ],
)
def test_an_answer_that_is_not_graphs_says_nothing_definite(
    client: GraphClient, status: int, body: str | bytes, expected: type[GraphError]
) -> None:
    responses.post(URL, status=status, body=body)

    with pytest.raises(GraphError) as caught:
        send(client)

    assert type(caught.value) is expected


@responses.activate
def test_an_error_carries_graphs_facts_and_a_plain_explanation(client: GraphClient) -> None:
    responses.post(URL, status=400, json=error_body(131047, error_data={"details": "More than 24 hours"}))

    with pytest.raises(GraphRefused) as caught:
        send(client)

    assert caught.value.meta == {
        "code": 131047,
        "class": "window",
        "details": "More than 24 hours",
        "fbtrace_id": "AbC",
        "http_status": 400,
    }
    assert "24 hours" in caught.value.message


@responses.activate
@pytest.mark.parametrize(
    ("error", "details"),
    [
        ({"error_data": "a string", "error_user_msg": "a person's text"}, "a string"),
        ({"error_data": {"details": 5}, "error_user_msg": "a person's text"}, "a person's text"),
        ({"error_data": None}, "(#100) Something"),
        ({"error_data": {"details": "to +54 9 11 1234-5678 failed"}}, "to [number] failed"),
        ({"error_data": {"details": "34600111222 is not allowed"}}, "[number] is not allowed"),
        ({"error_data": {"details": "Object 700100200300400 missing"}}, "Object 700100200300400 missing"),
        ({"error_data": {"details": "token EAAG1234567890abcdefghijklmn bad"}}, "token [token] bad"),
        ({"error_data": {"details": "3 parameters, at most 1024"}}, "3 parameters, at most 1024"),
        ({"message": None}, None),
    ],
)
def test_details_are_read_wherever_they_stand_without_numbers_and_tokens(
    client: GraphClient, error: dict[str, object], details: str | None
) -> None:
    responses.post(URL, status=400, json=error_body(100, **error))

    with pytest.raises(GraphRefused) as caught:
        send(client)

    assert caught.value.meta and caught.value.meta["details"] == details


@responses.activate
@pytest.mark.parametrize(
    ("code", "headers", "seconds"),
    [
        (130429, {"Retry-After": "7"}, 7),
        (130429, {"Retry-After": " 12 "}, 12),
        (130429, {"Retry-After": "-3"}, None),
        (130429, {"Retry-After": "²"}, None),
        (130429, {"Retry-After": "soon"}, None),
        (130429, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, 86400),
        (130429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00"}, None),
        (130429, {"Retry-After": "999999999"}, 86400),
        (80007, {"X-Business-Use-Case-Usage": '{"9":[{"estimated_time_to_regain_access":5}]}'}, 300),
        (80007, {"X-Business-Use-Case-Usage": '{"9":[{"estimated_time_to_regain_access":0}]}'}, None),
        (80007, {"X-Business-Use-Case-Usage": '{"9":[{}]}'}, None),
        (80007, {"X-Business-Use-Case-Usage": "[]"}, None),
        (80007, {"X-Business-Use-Case-Usage": "{"}, None),
        (131057, {}, 60),
        (131056, {}, None),
    ],
)
def test_it_reads_how_long_to_wait(
    client: GraphClient, code: int, headers: dict[str, str], seconds: int | None
) -> None:
    responses.post(URL, status=400, json=error_body(code), headers=headers)

    with pytest.raises(GraphError) as caught:
        send(client)

    assert caught.value.retry_after == seconds


@responses.activate
def test_it_follows_no_redirect_with_the_token(client: GraphClient) -> None:
    responses.post(URL, status=307, headers={"Location": "https://example.com/"})
    elsewhere = responses.post("https://example.com/", json=SENT)

    with pytest.raises(GraphUnknown):
        send(client)

    assert elsewhere.call_count == 0


@responses.activate
def test_a_request_that_breaks_for_any_reason_not_known_is_unknown(client: GraphClient) -> None:
    responses.post(URL, body=NoConnection("something"))

    with pytest.raises(GraphUnknown) as caught:
        send(client)

    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "tokén", " padded"])
def test_a_token_that_cannot_be_one_is_refused_without_being_shown(client: GraphClient, token: str) -> None:
    with pytest.raises(GraphUnauthorised) as caught:
        client.send("700100", {}, token)

    assert caught.value.__context__ is None
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_an_id_cannot_lead_to_another_endpoint(client: GraphClient, segment: str) -> None:
    with pytest.raises(GraphRefused):
        client.request("GET", "700100", segment, token="a-token")


@responses.activate
def test_it_quotes_each_segment_of_a_path(client: GraphClient) -> None:
    answer = responses.get("https://graph.facebook.com/v26.0/a%2F..%2Fb%3Fc/media", json={})

    client.request("GET", "a/../b?c", "media", token="a-token")

    assert answer.call_count == 1


@responses.activate
def test_any_endpoint_takes_parameters_and_other_bodies(client: GraphClient) -> None:
    responses.get("https://graph.facebook.com/v26.0/700100", json={"id": "700100"})
    responses.post("https://graph.facebook.com/v26.0/700100/media", json={"id": "5"})

    number = client.request("GET", "700100", token="a-token", params={"fields": "id"})
    media = client.request(
        "POST", "700100", "media", token="a-token", data=b"bytes", headers={"Content-Type": "image/png"}
    )

    get, post = (call.request for call in responses.calls)
    assert (number, media) == ({"id": "700100"}, {"id": "5"})
    assert get.params == {"fields": "id"} and "Content-Type" not in get.headers
    assert post.body == b"bytes" and post.headers["Content-Type"] == "image/png"


@responses.activate
def test_the_token_is_of_one_call_only(client: GraphClient) -> None:
    responses.post(URL, json=SENT)

    client.send("700100", {}, "first")
    client.send("700100", {}, "second")

    assert [call.request.headers["Authorization"] for call in responses.calls] == ["Bearer first", "Bearer second"]


def test_the_http_library_logs_no_urls(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with far_end(say(ANSWER)) as end:
        client = GraphClient(end.url, "v26.0", service_version="1")
        client.request("GET", "debug_token", token="a-token", params={"input_token": "a-secret"})

    assert "debug_token" not in caplog.text


def test_it_works_and_keeps_its_deadline_under_gevent() -> None:
    script = """
from gevent import monkey; monkey.patch_all()
import gevent, socket, time
from app.errors import GraphUnknown
from app.graph.client import GraphClient
def answer(connection):
    connection.recv(65536)
    for byte in b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}":
        connection.sendall(bytes([byte])); time.sleep(0.05)
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    while True: gevent.spawn(answer, listener.accept()[0])
gevent.spawn(serve)
client = GraphClient(f"http://127.0.0.1:{listener.getsockname()[1]}", "v26.0", service_version="1", timeout_seconds=0.3)
def call():
    try: client.request("GET", "me", token="t")
    except GraphUnknown: return "unknown"
started = time.monotonic()
calls = gevent.joinall([gevent.spawn(call) for _ in range(20)])
print({job.value for job in calls}, time.monotonic() - started < 1.0)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)

    assert run.stdout == "{'unknown'} True\n", run.stderr


@pytest.fixture
def client() -> GraphClient:
    return GraphClient("https://graph.facebook.com/", "v26.0", service_version="1.2.3")
