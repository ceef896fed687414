// Renders openapi.json, or the description that ?of= names. Everything shown is set as text, never as markup.

import { element, prose } from "./elements.js";
import { shapeOf } from "./shapes.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

const DOCUMENTS = new Map([
  ["api", "openapi.json"], ["graph", "openapi.graph.json"],
  ["service", "openapi.service.json"], ["webhooks", "openapi.webhooks.json"],
]);

const asked = new URLSearchParams(location.search).get("of");
const file = DOCUMENTS.get(asked) ?? DOCUMENTS.get("api");
const response = await fetch(file);
const spec = await response.json();

const resolve = (node) =>
  node && node.$ref ? node.$ref.split("/").slice(1).reduce((place, key) => place[key], spec) : node;

const operations = Object.entries({ ...spec.paths, ...spec.webhooks }).flatMap(([path, methods]) =>
  METHODS.filter((method) => methods[method]).map((method) => ({ path, method, ...methods[method] })));

document.getElementById("version").textContent = `version ${spec.info.version}, OpenAPI ${spec.openapi}`;
document.getElementById("about").replaceChildren(
  ...prose(spec.info.description), " The document: ", element("a", { href: file }, file), ".");
for (const link of document.querySelectorAll("#documents a"))
  if (link.search === `?of=${DOCUMENTS.has(asked) ? asked : "api"}`) link.setAttribute("aria-current", "page");
document.getElementById("contents").replaceChildren(...[...new Set(operations.map(({ tags }) => tags[0]))].flatMap(contents));
document.getElementById("operations").replaceChildren(...operations.map(article));
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();

function contents(tag) {
  const links = operations.filter(({ tags }) => tags[0] === tag).map(({ operationId, method, path }) =>
    element("a", { href: `#${operationId}` }, element("span", { class: "method" }, method), path));
  return [element("h2", {}, tag), ...links];
}

function article(operation) {
  const { operationId, method, path, summary, description, parameters, requestBody, responses } = operation;
  const parts = [
    element("h2", {}, element("span", { class: "method" }, method), element("code", {}, path)),
    element("p", {}, ...prose(description?.startsWith(summary) ? description : `${summary} ${description ?? ""}`)),
    element("p", { class: "access" }, access(operation.security)),
  ];
  if (parameters) parts.push(element("h3", {}, "Parameters"), element("table", {}, ...parameters.map(parameter)));
  if (requestBody) parts.push(element("h3", {}, "Body"), content(requestBody));
  parts.push(element("h3", {}, "Answers"), ...Object.entries(responses).map(answer));
  return element("article", { id: operationId }, ...parts);
}

function access(security) {
  if (!security) return "";
  const scope = security[0]?.key[0];
  return scope ? `Needs a key with the scope ${scope}.` : "Needs no key.";
}

function parameter({ name, in: place, required, schema, description }) {
  const kind = [schema.enum?.join(" | ") ?? schema.type, place].join(", ");
  return element("tr", {},
    element("td", {}, element("code", { class: required ? "required" : "" }, name), element("div", { class: "kind" }, kind)),
    element("td", {}, ...prose(description ?? "")));
}

function answer([status, reference]) {
  const found = resolve(reference);
  return element("details", {},
    element("summary", {}, element("code", {}, status), " ", ...prose(found.description)), content(found));
}

function content({ content: media }) {
  if (!media) return "";
  const [type, { schema }] = Object.entries(media)[0];
  return element("div", {}, element("p", { class: "kind" }, type), shapeOf(schema, resolve));
}
