#!/usr/bin/env bash
# Guess: an SDK that turns Meta's keys into camelCase leaves alone what a form (Flow) calls its own fields.
# Seen:  Kapso's SDK reads `response_json` and renames the form's fields as well: `first_name` becomes `firstName`, and of two
#        fields that differ only so (`size_1` and `size1`) one takes the other's place. The string itself stays as it was sent.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y >/dev/null && npm install --silent @kapso/whatsapp-cloud-api@0.3.0
cat >form.mjs <<'JS'
import { normalizeWebhook } from "@kapso/whatsapp-cloud-api/server";

const answers = { flow_token: "t", first_name: "Ana", size_1: "38", size1: "40" };
const reply = { name: "flow", body: "Sent", response_json: JSON.stringify(answers) };
const value = { messaging_product: "whatsapp",
  metadata: { display_phone_number: "15550100100", phone_number_id: "700100200300400" },
  contacts: [{ profile: { name: "Ana" }, wa_id: "34600111222" }],
  messages: [{ from: "34600111222", id: "wamid.A", timestamp: "1795500000", type: "interactive",
    interactive: { type: "nfm_reply", nfm_reply: reply } }] };
const whole = normalizeWebhook({ object: "whatsapp_business_account",
  entry: [{ id: "900100200300400", changes: [{ field: "messages", value }] }] });
const [message] = whole.messages;
const seen = message.kapso.flowResponse;
console.log("@kapso/whatsapp-cloud-api 0.3.0");
console.log(`expected: ${Object.keys(answers).sort()}; seen: ${Object.keys(seen).sort()}`);
const kept = message.interactive.nfmReply.responseJson === reply.response_json;
process.exit(seen.firstName === "Ana" && !("first_name" in seen) && Object.keys(seen).length === 3 && kept ? 0 : 1);
JS
node form.mjs
