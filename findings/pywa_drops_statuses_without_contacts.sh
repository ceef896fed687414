#!/usr/bin/env bash
# Guess: `contacts` beside statuses is optional. It came in April 2026, and a status that reports `failed` has none.
# Seen:  pywa needs it: a status without `contacts` is logged as an error, no handler is called, and the answer is 200. So a
#        bot hears of what was delivered, and never of what failed.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pywa==4.5.0 flask==3.1.3
"$work/venv/bin/python" - 2>"$work/log" <<'PY' || { cat "$work/log"; exit 1; }
import sys
from importlib.metadata import version

from flask import Flask
from pywa import WhatsApp

ERROR = {"code": 131026, "title": "Message undeliverable", "message": "Message undeliverable",
         "error_data": {"details": "Message Undeliverable."}}
PERSON = {"profile": {"name": "Ana"}, "wa_id": "34600111222", "user_id": "ES.44"}


def heard(**extra):
    app, seen = Flask("receiver"), []
    client = WhatsApp(phone_id="700100200300400", token="t", server=app, verify_token="v", validate_updates=False)
    client.on_message_status()(lambda _, update: seen.append(str(update.status)))
    status = {"id": "wamid.A", "status": "failed", "timestamp": "1795500000", "recipient_id": "34600111222",
              "recipient_user_id": "ES.44", "errors": [ERROR]}
    value = {"messaging_product": "whatsapp", "statuses": [status], **extra,
             "metadata": {"display_phone_number": "15550100100", "phone_number_id": "700100200300400"}}
    entry = {"id": "900100200300400", "changes": [{"field": "messages", "value": value}]}
    answer = app.test_client().post("/", json={"object": "whatsapp_business_account", "entry": [entry]})
    return answer.status_code, seen


print("pywa", version("pywa"))
with_contacts, without = heard(contacts=[PERSON]), heard()
print(f"failed, with contacts: {with_contacts}")
print(f"failed, without contacts: expected (200, ['failed']), seen {without}")
sys.exit(0 if with_contacts == (200, ["failed"]) and without == (200, []) else 1)
PY
