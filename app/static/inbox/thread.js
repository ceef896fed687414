// The open thread: opens at the newest message, loads older ones on the way up, and never moves what somebody reads.
import { localise } from "./inbox.js";
import { announce, byId, el, icon, merge, part, settled, word } from "./dom.js";

const NEAR = 120;
let watching = null;
let unseen = 0;

export const thread = () => byId("thread");
export const openId = () => thread()?.dataset.conversation ?? null;
const scroller = () => byId("scroller");
const list = () => byId("messages");

export function isAtEnd() {
  const box = scroller();
  return !!box && box.scrollHeight - box.scrollTop - box.clientHeight < NEAR && !list().querySelector("[data-newer]");
}

export function toEnd() {
  const box = scroller();
  if (box) box.scrollTop = box.scrollHeight;
  countUnseen(0);
}

/** Begin with a pane that was just shown. */
export function begin() {
  watching?.disconnect();
  if (!thread()) return;
  unseen = 0;
  const wanted = location.hash.startsWith("#m-") ? byId(location.hash.slice(1)) : null;
  const line = byId("unread-line");
  if (wanted) show(wanted);
  else if (line) line.scrollIntoView({ block: "center" });
  else toEnd();
  scroller().addEventListener("scroll", onScroll, { passive: true });
  watchEnds();
  byId("to-newest").addEventListener("click", (event) => {
    if (list().querySelector("[data-newer]")) return; // another part: let the link load it
    event.preventDefault();
    toEnd();
  });
  for (const picture of list().querySelectorAll("img")) {
    picture.addEventListener("load", () => { if (stick) toEnd(); }, { once: true });
  }
}

let stick = true;
const remember = settled(80, () => { stick = isAtEnd(); });

function onScroll() {
  byId("to-newest").hidden = isAtEnd();
  if (isAtEnd()) countUnseen(0);
  remember();
}

function watchEnds() {
  watching = new IntersectionObserver(
    (entries) => entries.filter((each) => each.isIntersecting).forEach((each) => more(each.target)),
    { root: scroller(), rootMargin: "600px" },
  );
  for (const each of list().querySelectorAll(".older a")) watching.observe(each);
}

/** Load the part that a link at either end of the thread leads to. */
async function more(link) {
  if (link.dataset.loading) return;
  link.dataset.loading = "1";
  watching.unobserve(link);
  let fresh;
  try {
    fresh = await part(link.href.replace(/#.*/, ""), { background: true });
  } catch {
    delete link.dataset.loading; // the link stays and can be pressed
    return;
  }
  if (!link.isConnected) return;
  const box = scroller();
  const isOlder = "older" in link.dataset;
  const height = box.scrollHeight;
  localise(fresh);
  dropDoubleDays(fresh);
  link.parentElement.replaceWith(fresh);
  if (isOlder) box.scrollTop += box.scrollHeight - height;
  watching.disconnect();
  watchEnds();
}

function dropDoubleDays(fresh) {
  for (const day of fresh.querySelectorAll(".day")) {
    const known = byId(day.id);
    if (!known) continue;
    if (known.previousElementSibling?.querySelector("[data-older]")) known.remove();
    else day.remove();
  }
}

/** Bring the newest messages up to date. Returns whether something new came from the customer. */
export async function refresh({ stay = false } = {}) {
  const shown = thread();
  if (!shown || list().querySelector("[data-newer]")) return false;
  const wasAtEnd = isAtEnd();
  const before = messages().at(-1)?.dataset.at ?? "";
  const fresh = await part(shown.dataset.messages, { background: true });
  if (shown !== thread()) return false;
  const box = el("ol");
  box.append(fresh);
  localise(box);
  box.querySelector(".unread-line")?.remove();
  dropSent(box);
  const older = list().querySelector(".older:first-child");
  for (const each of box.querySelectorAll(".older")) if (older || list().children.length) each.remove();
  const came = [...box.querySelectorAll("li.message:not(.notice)")].filter((each) => !byId(each.id) && each.dataset.at > before);
  merge(list(), box);
  for (const pending of list().querySelectorAll(".pending")) list().append(pending);
  const theirs = came.filter((each) => each.classList.contains("theirs"));
  if (wasAtEnd && !stay) toEnd();
  else if (theirs.length) countUnseen(unseen + theirs.length);
  for (const each of theirs) announce(`${word("new")}: ${each.querySelector(".text, .kind, .file-name")?.textContent ?? ""}`);
  return theirs.length > 0;
}

/** Take away what stood for messages that the server has now. */
function dropSent(fresh) {
  for (const pending of list().querySelectorAll(".pending[data-sent]")) {
    if (fresh.querySelector(`#${CSS.escape(`m-${pending.dataset.sent}`)}`)) pending.remove();
  }
}

function countUnseen(count) {
  unseen = count;
  const mark = byId("to-newest")?.querySelector(".count");
  if (!mark) return;
  mark.hidden = count === 0;
  mark.textContent = String(count);
}

/** Show a message: scroll to it, mark it, and give it the focus. */
export function show(item) {
  item.scrollIntoView({ block: "center" });
  item.classList.remove("found");
  void item.offsetWidth;
  item.classList.add("found");
  item.focus({ preventScroll: true });
}

/** The id of the newest message that is shown, which the server compares with what others answered. */
export function newest() {
  return [...(list()?.querySelectorAll("li.message[data-message]") ?? [])].at(-1)?.dataset.message ?? "";
}

export function messages() {
  return [...list().querySelectorAll("li.message:not(.pending)")];
}

export function chosen() {
  return list()?.querySelector(".message.chosen") ?? document.activeElement?.closest?.("#messages li.message") ?? null;
}

/** Choose the message above or below the chosen one. */
export function choose(step) {
  const all = messages();
  const before = chosen();
  const place = before ? all.indexOf(before) + step : all.length - 1;
  const next = all[Math.max(0, Math.min(all.length - 1, place))];
  before?.classList.remove("chosen");
  if (!next) return;
  next.classList.add("chosen");
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

/** Show something that is on its way. Returns its item. */
export function pending(...content) {
  const item = el("li", { class: "message ours pending", tabindex: "-1" },
    el("div", { class: "bubble" }, ...content,
      el("p", { class: "meta" }, icon("clock", "tick"), el("span", { class: "visually-hidden" }, word("waiting")))));
  list().append(item);
  toEnd();
  return item;
}

/** Say on something that was on its way why it did not go, and offer to try it again. */
export function failed(item, why, again) {
  item.querySelector(".failure")?.remove();
  item.querySelector("progress")?.remove();
  const box = el("div", { class: "failure" }, el("p", {}, el("b", {}, word("failed")), ` ${why}`),
    el("form", { onsubmit: (event) => event.preventDefault() },
      el("button", { class: "btn-plain", type: "button", onclick: () => { box.remove(); again(); } }, icon("retry"), word("again")),
      el("button", { class: "btn-plain", type: "button", onclick: () => item.remove() }, icon("trash"), word("discard"))));
  item.append(box);
  announce(`${word("failed")} ${why}`);
  if (isAtEnd()) toEnd();
}
