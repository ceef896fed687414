"""`mcp`: let an assistant work the inbox, by the Model Context Protocol."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from app.cli.api import KEY, URL, GatewayError, connect_with, explain, is_remote
from app.cli.base import Command

if TYPE_CHECKING:
    from app.cli.assistant_server import AssistantServer

OWN_KEY = "MCP_API_KEY"


@click.command(cls=Command)
@click.option("--http", "by_http", is_flag=True, help="Listen for clients, each with a key of its own.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --http: the address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8002, show_default=True)
@click.option("--allow-host", "hosts", multiple=True, help="With --http: a name it is called by, as a proxy's.")
def mcp(by_http: bool, host: str, port: int, hosts: tuple[str, ...]) -> None:
    """Let an assistant read and answer conversations, by the Model Context Protocol.

    Without --http it speaks on stdin and stdout, with the key in MCP_API_KEY: make one for it alone. Its scopes and
    numbers count; only a key with the scope `send` can send.

    \b
    Examples:
      keys add assistant --scope read
      MCP_API_KEY=wsk… mcp
      mcp --http --port 8002
    """
    key = None if by_http else _key()
    server = _server(connect_with(), key, f"http://{host}:{port}")
    if key is not None:
        server.run("stdio")
        return
    click.echo(f"Listening on http://{host}:{port}/mcp; clients send `Authorization: Bearer <key>`.", err=True)
    server.run("streamable-http", host=host, port=port, **options_of(host, port, hosts))


def options_of(host: str, port: int, hosts: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return how it speaks HTTP. Each request stands alone, so that any number of processes can serve.

    A page in somebody's browser cannot reach it by a name of its own: hosts are named.
    """
    from mcp.server.transport_security import TransportSecuritySettings

    names = [f"{each}:{port}" for each in dict.fromkeys((host, "127.0.0.1", "localhost", "[::1]"))]
    origins = [f"https://{each}" for each in hosts]
    guard = TransportSecuritySettings(allowed_hosts=[*names, *hosts], allowed_origins=origins)
    return {"stateless_http": True, "json_response": True, "transport_security": guard}


def _server(connect: Any, key: str | None, address: str) -> AssistantServer:
    from app.cli.assistant_server import AssistantServer

    if key is not None:
        try:
            with connect(key) as client:
                client.get_current_key()
        except ValueError as error:
            raise click.UsageError(f"{OWN_KEY} cannot be a key: {error}.") from None
        except GatewayError as error:
            raise click.ClickException(f"{OWN_KEY}: {explain(error)}") from error
    return AssistantServer(connect, key=key, address=address)


def _key() -> str:
    """The assistant's key. Never `API_KEY` of this gateway's settings, which may do everything."""
    key = os.environ.get(OWN_KEY) or (os.environ.get(KEY) if is_remote() else None)
    if not key:
        raise click.UsageError(
            f"Set {OWN_KEY} to a key of the assistant's own: `keys add assistant --scope read`, and `--scope send` if"
            f" it may send. ({URL} and {KEY} name another gateway.)"
        )
    return key
