// Tells who has a conversation open and types, so that two people do not answer one customer unknown to each other.
import { send } from "./inbox.js";
import { thread } from "./thread.js";

const HERE_EVERY = 20_000;
const TYPING_EVERY = 3000;
let lastTyping = 0;

/** Say that this person looks at the open conversation, and whether they type. */
export function here(typing) {
  const url = thread()?.dataset.presenceUrl;
  const now = Date.now();
  if (!url || document.hidden || (typing && now - lastTyping < TYPING_EVERY)) return;
  if (typing) lastTyping = now;
  const data = new FormData();
  if (typing) data.append("typing", "1");
  send(url, data, { headers: typing ? {} : { "X-Inbox-Background": "1" } }).catch(() => {});
}

/** Say that they look at it no more. */
export function left() {
  const url = thread()?.dataset.presenceUrl;
  if (!url) return;
  const data = new FormData();
  data.append("gone", "1");
  data.append("csrf_token", document.querySelector('meta[name="csrf-token"]').content);
  navigator.sendBeacon(url, data);
}

setInterval(() => { if (Date.now() - lastTyping > HERE_EVERY) here(false); }, HERE_EVERY);
window.addEventListener("pagehide", left);
