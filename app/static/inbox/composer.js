// Writing an answer: drafts, replies, quick replies, sending one after the other, and asking when answers crossed.
import { send } from "./inbox.js";
import { announce, byId, el, part, settled, word } from "./dom.js";
import { failed, newest, openId, pending, refresh, thread } from "./thread.js";
import { beginFiles, sendFiles } from "./files.js";
import { beginVoice } from "./voice.js";
import { beginEmoji } from "./emoji.js";
import { here } from "./presence.js";

const TYPING_EVERY = 20_000; // WhatsApp shows it for 25 seconds
let queue = Promise.resolve();
let lastTyping = 0;

const form = () => byId("answer");
const box = () => byId("text");
const draftKey = () => `draft:${byId("inbox").dataset.me}:${openId()}`;

/** Begin with a pane that was just shown. */
export function begin() {
  if (!form()) return;
  for (const each of form().querySelectorAll(".js")) each.hidden = false;
  const kept = localStorage.getItem(draftKey());
  if (kept && !box().value) box().value = kept;
  fit();
  form().addEventListener("submit", onSubmit);
  box().addEventListener("input", onInput);
  box().addEventListener("keydown", onKey);
  form().querySelector("[data-no-reply]").addEventListener("click", (event) => { event.preventDefault(); replyTo(null); });
  byId("quick").addEventListener("mousedown", (event) => {
    const row = event.target.closest("li");
    event.preventDefault();
    if (row) useQuick(row);
  });
  beginFiles(sendOne);
  beginVoice(sendOne);
  beginEmoji(insert);
  if (!matchMedia("(pointer: coarse)").matches) box().focus({ preventScroll: true });
}

function onInput() {
  fit();
  keepDraft();
  offerQuick();
  if (!box().value) return;
  const now = Date.now();
  if (now - lastTyping > TYPING_EVERY) {
    lastTyping = now;
    send(thread().dataset.typingUrl, new FormData()).catch(() => {});
  }
  here(true);
}

const keepDraft = settled(200, () => store(draftKey(), box()?.value ?? ""));

function store(key, text) {
  if (text) localStorage.setItem(key, text);
  else localStorage.removeItem(key);
}

/** Let the box be as high as its text. Browsers that can do so by `field-sizing` need nothing. */
function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  box().rows = Math.min(6, box().value.split("\n").length);
}

function onKey(event) {
  if (event.isComposing) return;
  const open = !byId("quick").hidden;
  if (open && ["ArrowDown", "ArrowUp", "Enter", "Tab", "Escape"].includes(event.key)) return inQuick(event);
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    form().requestSubmit();
  } else if (event.key === "Escape") {
    if (byId("reply-to").hidden) box().blur();
    else replyTo(null);
    event.stopPropagation();
  }
}

/** Put text in where the cursor is. */
export function insert(text) {
  box().setRangeText(text, box().selectionStart, box().selectionEnd, "end");
  box().dispatchEvent(new Event("input"));
  box().focus();
}

/** Answer to a message, or with null to none. */
export function replyTo(item) {
  if (!form()) return;
  form().reply_to.value = item ? item.dataset.message : "";
  byId("reply-to").hidden = !item;
  const words = item?.querySelector(".text, .file-name, .kind, .choice, .place")?.textContent ?? "";
  byId("reply-to").querySelector("[data-reply-text]").textContent = words.trim().slice(0, 160);
  box().focus();
}

function onSubmit(event) {
  event.preventDefault();
  const text = box().value.trim();
  const reply = form().reply_to.value;
  if (sendFiles(text, reply)) return clear();
  if (!text) return;
  const body = { text, reply_to: reply };
  clear();
  sendOne(pending(el("div", { class: "text" }, el("p", { dir: "auto" }, text))), (key) => fields(body, key), form().action);
}

function clear() {
  box().value = "";
  store(draftKey(), "");
  replyTo(null);
  fit();
}

function fields(values, key) {
  const data = new FormData();
  for (const [name, value] of Object.entries({ ...values, key, seen: newest() })) data.append(name, value);
  return data;
}

/** Send one thing after those before it. `make` returns its body; the same key makes a second try the same message. */
export function sendOne(item, make, url, post = send) {
  const key = crypto.randomUUID();
  const conversation = openId();
  const go = async (anyway = false) => {
    const data = make(key);
    if (anyway) data.append("anyway", "1");
    let response;
    try {
      response = await post(url, data, item);
    } catch {
      return failed(item, word("offline").replace(/ .*…$/, ""), () => again(false));
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return sent(item, answer, conversation);
    if (answer.crossing) return askAboutCrossing(item, answer.crossing, () => again(true));
    return failed(item, answer.error?.message ?? String(response.status), () => again(false));
  };
  const again = (anyway) => { queue = queue.then(() => go(anyway)); };
  again(false);
}

async function sent(item, answer, conversation) {
  item.dataset.sent = answer.id;
  announce(word("sent"));
  if (openId() !== conversation) return item.remove();
  await refresh().catch(() => {});
}

/** Show what somebody else answered meanwhile, and ask whether this still makes sense. */
function askAboutCrossing(item, crossing, again) {
  const text = item.querySelector(".text p")?.textContent ?? "";
  const quotes = crossing.map((each) => el("blockquote", { dir: "auto" }, el("b", {}, each.author), ` ${each.text}`));
  const close = () => dialog.remove();
  const dialog = el("div", { class: "crossing", role: "alertdialog", "aria-label": word("crossing") },
    el("p", {}, el("b", {}, word("crossing"))), ...quotes,
    el("div", { class: "line" },
      el("button", { class: "btn-strong", type: "button", onclick: () => { close(); again(); } }, word("anyway")),
      el("button", { class: "btn-plain", type: "button", onclick: () => { close(); item.remove(); insert(text); } }, word("back"))));
  byId("composer").prepend(dialog);
  dialog.querySelector("button").focus();
  refresh().catch(() => {});
}

/* Quick replies: `/` and the beginning of a shortcut or text */

function offerQuick() {
  const list = byId("quick");
  const asked = /^\/(\S*)$/.exec(box().value);
  const word = asked?.[1].toLowerCase() ?? "";
  let shown = 0;
  for (const row of list.children) {
    const fits = asked && (row.dataset.shortcut.toLowerCase().startsWith(word) || row.dataset.text.toLowerCase().includes(word));
    row.hidden = !fits;
    row.setAttribute("aria-selected", String(!!fits && shown === 0));
    shown += fits ? 1 : 0;
  }
  list.hidden = shown === 0;
  if (shown) box().setAttribute("aria-activedescendant", list.querySelector("[aria-selected=true]").id);
  else box().removeAttribute("aria-activedescendant");
}

function inQuick(event) {
  event.preventDefault();
  event.stopPropagation();
  const rows = [...byId("quick").children].filter((each) => !each.hidden);
  const now = rows.findIndex((each) => each.getAttribute("aria-selected") === "true");
  if (event.key === "Escape") byId("quick").hidden = true;
  else if (event.key === "Enter" || event.key === "Tab") useQuick(rows[now]);
  else {
    const next = rows[(now + (event.key === "ArrowDown" ? 1 : rows.length - 1)) % rows.length];
    rows[now].setAttribute("aria-selected", "false");
    next.setAttribute("aria-selected", "true");
    next.scrollIntoView({ block: "nearest" });
    box().setAttribute("aria-activedescendant", next.id);
  }
}

function useQuick(row) {
  box().value = row.dataset.text;
  byId("quick").hidden = true;
  box().dispatchEvent(new Event("input"));
  box().focus();
}

/** Bring the composer up to date after the window opened or closed. */
export async function refreshComposer() {
  const fresh = await part(location.href, { background: true });
  const composer = fresh.querySelector("#composer");
  if (!composer || !byId("composer") || composer.dataset.window === byId("composer").dataset.window) return;
  byId("composer").replaceWith(composer);
  begin();
}
