// Eleven calls by a client of openapi-generator, in TypeScript.

import * as api from "../made/openapi-generator-ts";
import { assert, buttons, endpoint, gateway, key, template, titleOf } from "./bodies";

const to = "+5491112345670";
const settings = new api.Configuration({ basePath: gateway, accessToken: key });
const sending = new api.SendingApi(settings);
const messages = new api.MessagesApi(settings);

const text = await sending.sendMessage({ sendMessage: { to, message: "Hola" } });
assert(text.messageId, "text");
const asked = await sending.sendMessage({ sendMessage: buttons(to) });
const { components, ...rest } = template(to).template;
const queued = await sending.sendMessage({ sendMessage: { ...template(to), template: { ...rest, components } } });
assert(queued.status === "queued", "template");
const many = await sending.sendMessages({
  bulkRequest: {
    messages: [
      { to, message: "one", idempotencyKey: "ogts-1" },
      { type: "text", to, text: { body: "two" } },
    ],
  },
});
assert(many.data.every((each) => each.success), "bulk");
const listed = await messages.listMessages({ limit: 5 });
assert(listed.data.length === 5, "list");
const shown = await messages.getMessage({ messageId: asked.id });
assert(titleOf(shown.content) === "Yes", "message");
await new api.EventsApi(settings).listEvents({});
const made = await new api.EndpointsApi(settings).addEndpoint({ endpointRequest: endpoint("ogts") });
assert(made.secret, "endpoint");
const people = await new api.ContactsApi(settings).listContacts({ phone: to });
assert(people.data.length === 1, "contacts");
await new api.StatisticsApi(settings).getStatistics({});
const refused = await messages.getMessage({ messageId: "nobody" }).catch((error: unknown) => error);
assert(refused instanceof api.ResponseError && refused.response.status === 404, "refusal");

console.log("openapi-generator (TypeScript): 11 calls");
