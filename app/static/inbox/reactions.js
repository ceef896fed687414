// Reacting to a message: six emoji above it.
import { send } from "./inbox.js";
import { announce, byId, el, word } from "./dom.js";
import { REACTIONS } from "./emoji.js";
import { refresh } from "./thread.js";

let bar = null;

export function closeReactions() {
  const was = bar;
  bar?.remove();
  bar = null;
  return !!was;
}

/** Offer the six emoji on a message. */
export function offerReactions(item) {
  closeReactions();
  if (!item || !("answerable" in item.dataset) || !byId("answer")) return;
  const mine = item.querySelector(".reactions .mine")?.lastChild?.textContent.trim();
  const buttons = REACTIONS.map((emoji) => el("button", {
    class: "emoji", type: "button", "aria-pressed": String(emoji === mine),
    onclick: () => react(item, emoji === mine ? "" : emoji),
  }, emoji));
  bar = el("div", { class: "react-bar", role: "toolbar", "aria-label": word("react") }, ...buttons);
  item.querySelector(".bubble").append(bar);
  buttons[0].focus({ preventScroll: true });
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
    if (step) event.stopPropagation();
    if (event.key === "Escape") {
      event.stopPropagation();
      closeReactions();
      item.focus({ preventScroll: true });
    }
  });
}

async function react(item, emoji) {
  closeReactions();
  item.focus({ preventScroll: true });
  const data = new FormData();
  data.append("message", item.dataset.message);
  data.append("emoji", emoji);
  data.append("key", crypto.randomUUID());
  const response = await send(byId("answer").dataset.reactUrl, data).catch(() => null);
  if (!response?.ok) announce(word("failed"));
  else await refresh({ stay: true }).catch(() => {});
}

document.addEventListener("click", (event) => {
  if (bar && !bar.contains(event.target) && !event.target.closest("[data-react]")) closeReactions();
});
