// A JSON Schema as a table of its fields; what is inside a field opens when somebody asks for it.

import { element, prose } from "./elements.js";

export function shapeOf(schema, resolve) {
  const shape = resolve(schema);
  const about = element("p", {}, ...prose(shape.description ?? ""));
  if (!shape.properties) return element("div", {}, about, inside(shape, resolve) ?? element("span", { class: "kind" }, kindOf(shape, resolve)));
  const required = new Set(shape.required);
  const rows = Object.entries(shape.properties).map(([name, field]) => row(name, field, required.has(name), resolve));
  return element("div", {}, about, element("table", {}, ...rows));
}

function row(name, field, isRequired, resolve) {
  const more = inside(field, resolve);
  return element("tr", {},
    element("td", {},
      element("code", { class: isRequired ? "required" : "" }, name),
      element("div", { class: "kind" }, kindOf(field, resolve))),
    element("td", {}, ...prose(field.description ?? ""), ...(more ? [more] : [])));
}

// What can be opened: an object with fields, the items of a list, or the choices there are.
function inside(schema, resolve) {
  const choices = (schema.anyOf ?? [schema.items ?? schema]).filter((each) => resolve(each)?.properties || resolve(each)?.anyOf);
  if (!choices.length) return null;
  return element("div", {}, ...choices.map((choice) => lazily(nameOf(choice), () => shapeOf(choice, resolve))));
}

function lazily(name, make) {
  const details = element("details", {}, element("summary", {}, name));
  details.addEventListener("toggle", () => details.append(make()), { once: true });
  return details;
}

const nameOf = (schema) => schema.$ref?.split("/").pop() ?? "its fields";

function kindOf(schema, resolve) {
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.$ref) return nameOf(schema);
  if (schema.anyOf) return schema.anyOf.length > 4 ? "one of several" : schema.anyOf.map((each) => kindOf(each, resolve)).join(" | ");
  if (schema.type === "array") return `list of ${kindOf(schema.items, resolve)}`;
  return [schema.type ?? "anything"].flat().join(" | ");
}
