// Eleven calls by a client of orval.

import * as api from "../made/orval/gateway";
import { assert, authorization, buttons, endpoint, rows, short, template, titleOf } from "./bodies";

const to = "+5491112345660";
const options = { headers: authorization };

const text = await api.sendMessage(short(to), options);
assert(text.status === 200 && text.data.message_id, "text");
const asked = await api.sendMessage(buttons(to), options);
assert(asked.status === 200, "buttons");
const queued = await api.sendMessage(template(to), options);
assert(queued.status === 202 && queued.data.status === "queued", "template");
const many = await api.sendMessages(rows(to, "orval"), options);
assert(many.status === 202 && many.data.data.every((each) => each.success), "bulk");
const listed = await api.listMessages({ limit: 5 }, options);
assert(listed.status === 200 && listed.data.data.length === 5, "list");
const shown = await api.getMessage(asked.data.id, options);
assert(shown.status === 200 && titleOf(shown.data.content) === "Yes", "message");
const events = await api.listEvents({}, options);
assert(events.status === 200, "events");
const made = await api.addEndpoint(endpoint("orval"), options);
assert(made.status === 201 && made.data.secret, "endpoint");
const people = await api.listContacts({ phone: to }, options);
assert(people.status === 200 && people.data.data.length === 1, "contacts");
const statistics = await api.getStatistics({}, options);
assert(statistics.status === 200, "statistics");
const refused = await api.getMessage("nobody", options);
assert(refused.status === 404 && refused.data.error.code === "not_found", "refusal");

console.log("orval: 11 calls");
