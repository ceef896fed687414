#!/usr/bin/env bash
# Guess: sign() takes an aware datetime and signs that instant, in whatever zone it is written.
# Seen:  it replaces the zone by UTC and keeps the hands of the clock. The same instant written in two zones gives two
#        signatures, and the one from Buenos Aires is three hours old: receivers refuse it.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
"$work/venv/bin/python" - <<'PY'
import sys
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
now = datetime.now(UTC).replace(microsecond=0)
results = {}
for name, zone in (("UTC", UTC), ("-03:00", timezone(timedelta(hours=-3)))):
    signature = webhook.sign("msg_1", now.astimezone(zone), "{}")
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    try:
        webhook.verify("{}", headers)
        results[name] = "accepted"
    except WebhookVerificationError as error:
        results[name] = f"refused: {error}"
print("standardwebhooks", version("standardwebhooks"))
for name, result in results.items():
    print(f"signed at one instant, written in {name}: expected accepted, seen {result}")
sys.exit(0 if results["UTC"] == "accepted" and results["-03:00"].startswith("refused") else 1)
PY
