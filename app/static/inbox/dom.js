// Small tools that every part of the conversations uses.
import { say } from "./inbox.js";

export const byId = (id) => document.getElementById(id);
export const root = () => byId("inbox");
const SVG = "http://www.w3.org/2000/svg";

/** A sentence in the reader's language; `{name}` and the like are filled in. */
export function word(name, values = {}) {
  let text = byId("words").dataset[name] || "";
  for (const [key, value] of Object.entries(values)) text = text.replaceAll(`{${key}}`, value);
  return text;
}

/** Make an element. Text is never read as HTML. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((each) => each != null));
  return made;
}

export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `i ${extra}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Fetch a piece of a page of ours. `background` marks what the page does by itself, which is no use of the session. */
export async function part(url, { background = false, signal } = {}) {
  const headers = { Accept: "text/html", "X-Inbox-Part": "1" };
  if (background) headers["X-Inbox-Background"] = "1";
  const response = await fetch(url, { headers, signal });
  if (response.status === 401 || response.redirected) location.reload();
  if (!response.ok) throw new Error(String(response.status));
  const template = document.createElement("template");
  template.innerHTML = await response.text(); // our own server's, escaped there
  return template.content;
}

/** Bring the items of a list up to date with new ones, by their ids. What did not change is not touched. */
export function merge(list, fresh) {
  let cursor = null;
  const known = new Map([...list.children].filter((each) => each.id).map((each) => [each.id, each]));
  for (const item of [...fresh.children]) {
    const old = known.get(item.id);
    if (old && item.classList.contains("day")) {
      if (!cursor || cursor.compareDocumentPosition(old) & Node.DOCUMENT_POSITION_FOLLOWING) cursor = old;
      continue;
    }
    if (old) {
      cursor = old.isEqualNode(item) || isBusy(old) ? old : replaced(old, item);
    } else if (item.id) {
      if (cursor) cursor.after(item);
      else insertFirst(list, item, fresh, known);
      cursor = item;
    }
  }
  return list;
}

function insertFirst(list, item, fresh, known) {
  const next = [...fresh.children].map((each) => known.get(each.id)).find((each) => each?.isConnected);
  if (next) next.before(item);
  else list.append(item);
}

/** Whether a person is just using an item: plays it, or has unfolded something in it. */
function isBusy(item) {
  return [...item.querySelectorAll("audio, video")].some((each) => !each.paused) || item.querySelector("details[open]");
}

function replaced(old, item) {
  const focused = old.contains(document.activeElement);
  const within = focused && document.activeElement !== old ? document.activeElement.getAttribute("href") : null;
  if (old.classList.contains("chosen")) item.classList.add("chosen");
  old.replaceWith(item);
  if (focused) (within ? item.querySelector(`a[href="${CSS.escape(within)}"]`) || item : item).focus({ preventScroll: true });
  return item;
}

/** Replace the items of a list by new ones in their order, keeping those that did not change and the focus. */
export function arrange(list, fresh) {
  const known = new Map([...list.children].filter((each) => each.id).map((each) => [each.id, each]));
  const focused = document.activeElement?.closest?.("li")?.id;
  const items = [...fresh.children].map((item) => {
    const old = known.get(item.id);
    return old && old.isEqualNode(item) ? old : item;
  });
  const place = list.scrollTop;
  list.replaceChildren(...items);
  list.scrollTop = place;
  if (focused && !list.contains(document.activeElement)) byId(focused)?.querySelector("a")?.focus({ preventScroll: true });
}

export function announce(text) {
  say(text);
}

/** Run a function once, some time after the last call. */
export function settled(milliseconds, act) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), milliseconds);
  };
}
