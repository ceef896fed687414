#!/usr/bin/env bash
# Guess: a library made for the Cloud API walks all entries, changes, messages and statuses of a notification, since Meta
#        documents that one POST may hold many of each.
# Seen:  pywa reads entry[0].changes[0] and its first message (or first status) and answers 200, so the rest is lost.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pywa==4.5.0 flask==3.1.3
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

from flask import Flask
from pywa import WhatsApp

METADATA = {"display_phone_number": "15550100100", "phone_number_id": "700100200300400"}
PERSON = {"profile": {"name": "Ana"}, "wa_id": "34600111222", "user_id": "ES.44"}


def message(name):
    return {"from": "34600111222", "from_user_id": "ES.44", "id": f"wamid.{name}", "timestamp": "1795500000",
            "type": "text", "text": {"body": name}}


def status(name):
    return {"id": f"wamid.{name}", "status": "delivered", "timestamp": "1795500000", "recipient_id": "34600111222",
            "recipient_user_id": "ES.44"}


def change(**items):
    value = {"messaging_product": "whatsapp", "metadata": METADATA, "contacts": [PERSON], **items}
    return {"field": "messages", "value": value}


def handled(*entries):
    app, seen = Flask("receiver"), []
    client = WhatsApp(phone_id="700100200300400", token="t", server=app, verify_token="v", validate_updates=False)
    client.on_message()(lambda _, update: seen.append(update.id))
    client.on_message_status()(lambda _, update: seen.append(update.id))
    body = {"object": "whatsapp_business_account",
            "entry": [{"id": "900100200300400", "changes": changes} for changes in entries]}
    answer = app.test_client().post("/", json=body)
    return answer.status_code, seen


cases = {
    "two messages of one change": [[change(messages=[message("A"), message("B")])]],
    "two statuses of one change": [[change(statuses=[status("A"), status("B")])]],
    "a message and a status": [[change(messages=[message("A")], statuses=[status("B")])]],
    "two changes": [[change(messages=[message("A")]), change(messages=[message("B")])]],
    "two entries": [[change(messages=[message("A")])], [change(messages=[message("B")])]],
}
print("pywa", version("pywa"))
same = True
for name, entries in cases.items():
    code, seen = handled(*entries)
    print(f"{name}: expected 200 and 2 items, seen {code} and {seen}")
    same &= (code, seen) == (200, ["wamid.A"])
sys.exit(0 if same else 1)
PY
