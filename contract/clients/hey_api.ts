// Eleven calls by a client of hey-api, each held to what zod makes of the description, both ways.

import { client } from "../made/hey-api/client.gen";
import * as sdk from "../made/hey-api/sdk.gen";
import { assert, buttons, endpoint, gateway, key, rows, short, template, titleOf } from "./bodies";

const to = "+5491112345650";
client.setConfig({ baseUrl: gateway, auth: () => key });

const text = await sdk.sendMessage({ body: short(to) });
assert(text.data?.message_id, `text: ${String(text.error)}`);
const asked = await sdk.sendMessage({ body: buttons(to) });
assert(asked.data, "buttons");
const queued = await sdk.sendMessage({ body: template(to) });
assert(queued.data?.status === "queued", "template");
const many = await sdk.sendMessages({ body: rows(to, "hey") });
assert(many.data?.data.every((each) => each.success), "bulk");
const listed = await sdk.listMessages({ query: { limit: 5 } });
assert(listed.data?.data.length === 5, `list: ${String(listed.error)}`);
const shown = await sdk.getMessage({ path: { message_id: asked.data.id } });
assert(titleOf(shown.data?.content) === "Yes", "message");
const events = await sdk.listEvents();
assert(events.data, `events: ${String(events.error)}`);
const made = await sdk.addEndpoint({ body: endpoint("hey") });
assert(made.data?.secret, `endpoint: ${String(made.error)}`);
const people = await sdk.listContacts({ query: { phone: to } });
assert(people.data?.data.length === 1, `contacts: ${String(people.error)}`);
const statistics = await sdk.getStatistics();
assert(statistics.data, `statistics: ${String(statistics.error)}`);
const refused = await sdk.getMessage({ path: { message_id: "nobody" } });
assert(refused.error && "error" in refused.error && refused.error.error.code === "not_found", "refusal");

console.log("hey-api with zod: 11 calls");
