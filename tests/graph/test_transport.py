import socket
import struct
import threading
import time

import pytest

from app.errors import GraphError, GraphUnavailable, GraphUnknown
from app.graph import transport
from app.graph.client import MAX_ANSWER_BYTES, GraphClient
from tests.graph.far_end import FarEnd, Script, far_end

TOKEN = "token-of-the-number"
BODY = b'{"contacts":[{"wa_id":"34600111222"}],"messages":[{"id":"wamid.1"}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def client_of(end: FarEnd, seconds: float = 0.4) -> GraphClient:
    return GraphClient(end.url, "v26.0", service_version="1.2.3", timeout_seconds=seconds)


def send(client: GraphClient) -> str:
    return client.send("700100", {"type": "text"}, TOKEN).wamid


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drip(data: bytes, pause: float) -> Script:
    def script(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause)

    return script


def say(data: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(data)

    return script


def say_and_hang_up(data: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def test_it_sends_one_request_with_token_and_agent_and_reads_the_answer() -> None:
    with far_end(say(ANSWER)) as end:
        wamid = send(client_of(end))

    head = end.requests[0].split(b"\r\n\r\n")[0]
    assert wamid == "wamid.1"
    assert head.startswith(b"POST /v26.0/700100/messages HTTP/1.1")
    assert b"Authorization: Bearer token-of-the-number" in head
    assert b"User-Agent: whatsapp-service/1.2.3" in head
    assert end.requests[0].endswith(b'{"type": "text"}')


def test_it_keeps_the_connection_for_the_next_request() -> None:
    with far_end(say(ANSWER)) as end:
        client = client_of(end)
        send(client)
        connections_after_one = transport_ports(client)
        send(client)

        assert transport_ports(client) == connections_after_one
    assert len(end.requests) == 2


def test_it_does_not_reuse_a_connection_that_rested_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    with far_end(say(ANSWER)) as end:
        client = client_of(end)
        send(client)
        before = transport_ports(client)
        monkeypatch.setattr(transport, "IDLE_SECONDS", 0.0)
        send(client)

        assert transport_ports(client) != before
        client.close()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(drip(ANSWER, 0.03), id="headers a byte at a time"),
        pytest.param(drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 50, 0.01), id="interim answers for ever"),
        pytest.param(lambda connection: time.sleep(0.7), id="an answer too late"),
    ],
)
def test_it_ends_at_the_deadline_and_calls_the_outcome_unknown(script: Script) -> None:
    with far_end(script) as end:
        started = time.monotonic()
        with pytest.raises(GraphUnknown):
            send(client_of(end))

        assert 0.3 < time.monotonic() - started < 0.65


def test_it_ends_at_the_deadline_when_the_body_drips() -> None:
    def script(connection: socket.socket) -> None:
        head, body = ANSWER.split(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        drip(body, 0.03)(connection)

    with far_end(script) as end:
        started = time.monotonic()
        with pytest.raises(GraphUnknown):
            send(client_of(end))

        assert 0.3 < time.monotonic() - started < 0.65


def test_a_slow_answer_within_the_deadline_is_read_whole() -> None:
    with far_end(drip(ANSWER, 0.001)) as end:
        assert send(client_of(end, seconds=5)) == "wamid.1"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(reset, id="reset"),
        pytest.param(say_and_hang_up(b""), id="hung up without a word"),
        pytest.param(say_and_hang_up(ANSWER[:40]), id="cut in the headers"),
        pytest.param(say_and_hang_up(ANSWER[:-5]), id="cut in the body"),
        pytest.param(say_and_hang_up(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"), id="cut chunk"),
        pytest.param(say_and_hang_up(b"SSH-2.0-OpenSSH_9.2\r\n"), id="not HTTP"),
        pytest.param(say(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), id="302"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"), id="bad gzip"),
    ],
)
def test_whatever_breaks_after_the_request_left_is_unknown_and_never_repeated(script: Script) -> None:
    with far_end(script) as end:
        with pytest.raises(GraphUnknown):
            send(client_of(end))

    assert len(end.requests) == 1


def test_an_answer_over_the_cap_is_not_read_to_its_end() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
        connection.sendall(b" " * (MAX_ANSWER_BYTES + 200_000))

    with far_end(script) as end:
        with pytest.raises(GraphUnknown) as caught:
            send(client_of(end, seconds=10))

    assert caught.value.meta == {"http_status": 200, "reason": "answer too large"}


def test_a_refused_connection_is_a_definite_no() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(GraphUnavailable) as caught:
        send(GraphClient(f"http://127.0.0.1:{port}", "v26.0", service_version="1"))

    assert caught.value.retryable
    assert isinstance(caught.value.__cause__, transport.NotConnected)


def test_a_name_that_does_not_resolve_is_a_definite_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)

    with pytest.raises(GraphUnavailable):
        send(GraphClient("https://graph.invalid", "v26.0", service_version="1"))


def test_a_failed_tls_handshake_is_a_definite_no() -> None:
    def plain(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=plain, args=(listener,))
        thread.start()
        with pytest.raises(GraphUnavailable):
            send(GraphClient(f"https://127.0.0.1:{listener.getsockname()[1]}", "v26.0", service_version="1"))
        thread.join()


def test_a_connect_timeout_is_a_definite_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first, socket.socket() as other:
        for filler in (first, other):
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())

        with pytest.raises(GraphUnavailable):
            send(GraphClient(f"http://127.0.0.1:{full.getsockname()[1]}", "v26.0", service_version="1"))


def test_a_connection_error_that_is_being_handled_does_not_make_the_next_one_definite() -> None:
    with far_end(reset) as end:
        client = client_of(end)
        try:
            raise GraphUnavailable() from transport.NotConnected(None, "an earlier one")  # type: ignore[arg-type]
        except GraphUnavailable:
            with pytest.raises(GraphUnknown):
                send(client)


def test_it_uses_the_proxy_of_its_settings_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with far_end(say(ANSWER)) as proxy, far_end(say(ANSWER)) as direct:
        send(client_of(direct))
        send(GraphClient("http://graph.invalid", "v26.0", service_version="1", proxy=proxy.url))

    assert direct.requests[0].startswith(b"POST /v26.0/")
    assert proxy.requests[0].startswith(b"POST http://graph.invalid/v26.0/")


def test_a_proxy_that_opens_no_tunnel_is_a_definite_no() -> None:
    with far_end(say_and_hang_up(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as proxy:
        with pytest.raises(GraphUnavailable):
            send(GraphClient("https://graph.invalid", "v26.0", service_version="1", proxy=proxy.url))

    assert proxy.requests[0].startswith(b"CONNECT graph.invalid:443")
    assert TOKEN.encode() not in proxy.requests[0]


def test_it_reads_no_netrc_and_keeps_no_cookies(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:
        file.write("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", netrc)
    answer = ANSWER.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n", 1)

    with far_end(say(answer)) as end:
        client = client_of(end)
        send(client)
        send(client)

    assert all(b"Authorization: Bearer token-of-the-number" in request for request in end.requests)
    assert b"Cookie" not in end.requests[1]


def test_many_threads_share_one_client() -> None:
    with far_end(say_and_hang_up(ANSWER.replace(b"200 OK\r\n", b"200 OK\r\nConnection: close\r\n"))) as end:
        client = client_of(end, seconds=5)
        wamids: list[str] = []
        threads = [threading.Thread(target=lambda: wamids.append(send(client))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert wamids == ["wamid.1"] * 8


@pytest.mark.parametrize("script", [reset, say_and_hang_up(b""), lambda connection: time.sleep(0.7)])
def test_no_error_and_nothing_beneath_it_names_the_url_or_the_token(script: Script) -> None:
    with far_end(script) as end:
        with pytest.raises(GraphError) as caught:
            client_of(end).request("GET", "debug_token", token=TOKEN, params={"input_token": "secret-one"})

    shown = [f"{caught.value!r} {caught.value} {caught.value.meta}"]
    beneath = caught.value.__cause__
    while beneath:
        shown.append(f"{beneath!r} {beneath}")
        beneath = beneath.__cause__ or (None if beneath.__suppress_context__ else beneath.__context__)
    assert len(shown) > 1
    assert not [text for text in shown if "secret-one" in text or TOKEN in text]


def transport_ports(client: GraphClient) -> list[int]:
    """Our own ports of the connections at rest."""
    adapter = client._session.get_adapter("http://")
    pools = adapter.poolmanager.pools
    resting = [pool.pool.queue for pool in (pools[key] for key in pools.keys())]
    return [conn.sock.getsockname()[1] for queue in resting for conn in queue if conn and conn.sock]
