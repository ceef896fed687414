"""A TCP proxy that can fall silent: connections stay open, everything sent is acknowledged, and nothing is answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class SilentProxy:
    """Passes bytes on in both directions until `is_silent`; from then on it reads and drops them."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.is_silent = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Cut everything."""
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection(self._target)
                self._sockets += [ours, theirs]
                for source, sink in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if not self.is_silent:
                    sink.sendall(data)
        if not self.is_silent:
            with suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def silent_proxy(host: str, port: int) -> Iterator[SilentProxy]:
    """A proxy in front of a server."""
    proxy = SilentProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
