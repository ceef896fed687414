#!/usr/bin/env bash
# Guess: an SDK that is handed a notification of a field which it has no handler for ignores it.
# Seen:  whatsapp-api-js reads `metadata.phone_number_id` before it looks at the field. Fields of the account have none, such as
#        the verdict on a template: post() raises a TypeError. A server that answers 500 then has Meta repeat that notification
#        for days; one that was taken only for messages is not affected.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y >/dev/null && npm install --silent whatsapp-api-js@6.3.0
cat >account.mjs <<'JS'
import { WhatsAppAPI } from "whatsapp-api-js";

const sdk = new WhatsAppAPI({ token: "t", secure: false, v: "v23.0" });
const heard = [];
sdk.on.message = ({ message }) => { heard.push(message.id); };
const metadata = { display_phone_number: "15550100100", phone_number_id: "700100200300400" };
const message = { from: "34600111222", id: "wamid.A", timestamp: "1795500000", type: "text", text: { body: "hello" } };
const verdict = { event: "APPROVED", message_template_id: 1234567890123456, message_template_name: "order_ready",
  message_template_language: "en" };
async function outcome(field, value) {
  const entry = [{ id: "900100200300400", time: 1795500000, changes: [{ field, value }] }];
  try { await sdk.post({ object: "whatsapp_business_account", entry }); return "taken"; } catch (error) { return error.name; }
}
const first = await outcome("messages", { messaging_product: "whatsapp", metadata, messages: [message] });
const second = await outcome("message_template_status_update", verdict);
console.log("whatsapp-api-js 6.3.0");
console.log(`a message: expected taken, seen ${first}, heard ${heard}`);
console.log(`the verdict on a template: expected taken, seen ${second}`);
process.exit(first === "taken" && heard.length === 1 && second === "TypeError" ? 0 : 1);
JS
node account.mjs
