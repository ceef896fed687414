#!/usr/bin/env bash
# Guess: a normaliser of notifications that lists messages in one array tells of each which of the business's numbers got it.
# Seen:  normalizeWebhook of Kapso's SDK has one phoneNumberId for the whole notification, and it is that of the last change.
#        The messages carry none. Where one notification has messages for two numbers, all seem to have come to one of them,
#        and the answers go out from the wrong number. Only `raw` still tells.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y >/dev/null && npm install --silent @kapso/whatsapp-cloud-api@0.3.0
cat >two_numbers.mjs <<'JS'
import { normalizeWebhook } from "@kapso/whatsapp-cloud-api/server";

const change = (number, id) => ({ field: "messages", value: {
  messaging_product: "whatsapp",
  metadata: { display_phone_number: "1555010010" + number, phone_number_id: "70010020030040" + number },
  contacts: [{ profile: { name: "Ana" }, wa_id: "34600111222", user_id: "ES.44" }],
  messages: [{ from: "34600111222", from_user_id: "ES.44", id, timestamp: "1795500000", type: "text", text: { body: "hello" } }],
} });
const whole = normalizeWebhook({ object: "whatsapp_business_account",
  entry: [{ id: "900100200300400", changes: [change(1, "wamid.A"), change(2, "wamid.B")] }] });
const tells = whole.messages.map((message) => JSON.stringify(message).includes("70010020030040"));
console.log("@kapso/whatsapp-cloud-api 0.3.0");
console.log(`expected: wamid.A came to …401, wamid.B to …402`);
console.log(`seen: ${whole.messages.map((m) => m.id)} with one phoneNumberId, ${whole.phoneNumberId}; do messages tell theirs? ${tells}`);
process.exit(whole.messages.length === 2 && whole.phoneNumberId === "700100200300402" && !tells.includes(true) ? 0 : 1);
JS
node two_numbers.mjs
