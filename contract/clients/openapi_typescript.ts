// Eleven calls with openapi-fetch, by the types that openapi-typescript makes.

import createClient from "openapi-fetch";
import type { paths } from "../made/openapi-typescript/schema";
import { assert, authorization, buttons, endpoint, gateway, rows, short, template, titleOf } from "./bodies";

const to = "+5491112345640";
const client = createClient<paths>({ baseUrl: gateway, headers: authorization });

const text = await client.POST("/send/whatsapp", { body: short(to) });
assert(text.data?.message_id, "text");
const asked = await client.POST("/send/whatsapp", { body: buttons(to) });
assert(asked.data, "buttons");
const queued = await client.POST("/send/whatsapp", { body: template(to) });
assert(queued.data?.status === "queued", "template");
const many = await client.POST("/api/messages/bulk", { body: rows(to, "ot") });
assert(many.data?.data.every((each) => each.success), "bulk");
const listed = await client.GET("/api/messages", { params: { query: { limit: 5 } } });
assert(listed.data?.data.length === 5, "list");
const shown = await client.GET("/api/messages/{message_id}", { params: { path: { message_id: asked.data.id } } });
assert(titleOf(shown.data?.content) === "Yes", "message");
const events = await client.GET("/api/events");
assert(events.data, "events");
for (const event of events.data.data) if (event.type === "message.status") assert(event.data.status.status, "event");
const made = await client.POST("/api/endpoints", { body: endpoint("ot") });
assert(made.data?.secret, "endpoint");
const people = await client.GET("/api/contacts", { params: { query: { phone: to } } });
assert(people.data?.data.length === 1, "contacts");
const statistics = await client.GET("/api/stats");
assert(statistics.data, "statistics");
const refused = await client.GET("/api/messages/{message_id}", { params: { path: { message_id: "nobody" } } });
assert(refused.error?.error.code === "not_found", "refusal");

console.log("openapi-typescript: 11 calls");
