#!/usr/bin/env bash
# Guess: a tool called with an argument that it does not have is refused, as with wrong types.
# Seen:  the official SDK drops it without a word and runs the tool. An assistant that writes dryRun for dry_run sends the
#        message that it only wanted to try; and the input schema that assistants read does not forbid it either.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check mcp==2.3.0
"$work/venv/bin/python" - <<'PY'
import asyncio
import sys
from importlib.metadata import version

from mcp.server import MCPServer

server, sent = MCPServer("gateway"), []


@server.tool()
def send(to: str, text: str, dry_run: bool = False) -> str:
    if not dry_run:
        sent.append(to)
    return "checked" if dry_run else "sent"


async def main():
    await server.call_tool("send", {"to": "+34600111222", "text": "Hola", "dryRun": True})
    try:
        await server.call_tool("send", {"to": 34600111222, "text": "Hola"})
        wrong_type = "ran"
    except Exception as error:
        wrong_type = type(error).__name__
    return wrong_type


wrong_type = asyncio.run(main())
print("mcp", version("mcp"))
print(f"wrong type: expected ToolError, seen {wrong_type}")
print(f"misspelt argument: expected ToolError and nothing sent, seen sent to {sent}")
sys.exit(0 if (wrong_type, sent) == ("ToolError", ["+34600111222"]) else 1)
PY
