"""A bot that repeats what it is told, without a public address and with the standard library alone.

    python examples/echo_bot.py

Reads API_KEY and GATEWAY_URL, or PORT for a gateway on this machine, from the environment or the gateway's .env. It
begins after the newest event and ends with the process that started it.
"""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


def settings() -> dict[str, str]:
    env = Path(__file__).resolve().parent.parent / ".env"
    lines = env.read_text("utf-8-sig").splitlines() if env.is_file() else []
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name.strip(): text.strip().strip("\"'") for name, _, text in pairs} | dict(os.environ)


SETTINGS = settings()
HERE = f"http://127.0.0.1:{SETTINGS.get('PORT') or 8000}{SETTINGS.get('SCRIPT_NAME', '')}"
GATEWAY = SETTINGS.get("GATEWAY_URL") or HERE
PARENT = int(os.environ.get("PARENT_PID") or os.getppid())  # whoever started us: we end with them


def call(path: str, body: Any = None, **headers: str) -> Any:
    headers |= {"Authorization": f"Bearer {SETTINGS.get('API_KEY', '')}", "Content-Type": "application/json"}
    if "ECHO_BOT_MARK" in os.environ:  # the gateway started us, and tells us of nothing while another answers
        headers["X-Echo-Bot"] = os.environ["ECHO_BOT_MARK"]
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(GATEWAY + path, data, headers), timeout=60) as answer:
        return json.load(answer)


def answer(event: dict[str, Any]) -> None:
    message = event["data"]
    if event["type"] != "message.received" or message["source"] != "live" or message["handled_by"] == "human":
        return  # an old message, one that was sent from the phone, or one that a person answers: no bot is asked
    sender = message["sender"]
    reply = {"to" if sender.startswith("+") else "recipient": sender, "message": f"You said: {message['message']}"}
    try:
        call("/send/whatsapp", reply, **{"Idempotency-Key": event["id"]})  # asked twice, sent once
    except urllib.error.HTTPError as refusal:
        if refusal.code == 429 or refusal.code >= 500:
            raise  # later, the same request may succeed; any other refusal is for good


def main() -> None:
    cursor = "newest"
    while os.getppid() == PARENT:
        try:
            page = call(f"/api/events?after={cursor}&wait=20")
            for event in page["data"]:
                answer(event)
            cursor = page["next_cursor"]
        except (OSError, http.client.HTTPException) as problem:  # it restarts, or cannot keep more
            if getattr(problem, "code", None) in (401, 403):
                raise SystemExit(f"The gateway at {GATEWAY} does not accept API_KEY.") from None
            if getattr(problem, "code", None) == 410:  # an older copy of the database was put back
                cursor = "newest"
            time.sleep(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Stopped.") from None
