// The whole inbox by keyboard.
import { byId } from "./dom.js";
import { choose, chosen, thread } from "./thread.js";
import { replyTo } from "./composer.js";
import { closeReactions, offerReactions } from "./reactions.js";

let back = () => {};

export function beginKeys(toList) {
  back = toList;
  document.addEventListener("keydown", onKey);
}

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const inText = event.target.closest?.("input, textarea, select, [contenteditable], dialog");
  const act = inText ? inTextActs[event.key] : acts[event.key];
  if (act && act(event) !== false) event.preventDefault();
}

const inTextActs = {
  Escape: (event) => { if (event.target.closest("dialog")) return false; event.target.blur(); },
  ArrowDown: (event) => (event.target.id === "search" ? focusRow(0) : false),
};

const acts = {
  "/": () => byId("search").focus(),
  "?": () => byId("help").showModal(),
  r: () => { const item = chosen(); if (item && "answerable" in item.dataset) replyTo(item); },
  e: () => offerReactions(chosen()),
  i: () => byId("text")?.focus(),
  Escape: () => {
    if (closeReactions()) return;
    const item = document.querySelector(".message.chosen");
    if (item) item.classList.remove("chosen");
    else if (thread()) back();
  },
  ArrowUp: (event) => move(event, -1),
  ArrowDown: (event) => move(event, 1),
};

function move(event, step) {
  if (event.target.closest?.("#scroller, #messages")) return choose(step);
  const rows = links();
  const now = rows.indexOf(document.activeElement);
  return focusRow(now < 0 ? Math.max(0, rows.findIndex((each) => each.hasAttribute("aria-current")) + (step > 0 ? 0 : -1)) : now + step);
}

function links() {
  return [...byId("rows").querySelectorAll(".row-of a")];
}

function focusRow(place) {
  const rows = links();
  rows[Math.max(0, Math.min(rows.length - 1, place))]?.focus();
}
