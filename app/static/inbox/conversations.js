// The page of conversations: the list, what is open, and the news that reach both.
import { localise, send } from "./inbox.js";
import { arrange, byId, el, part, root, settled, word } from "./dom.js";
import * as thread from "./thread.js";
import * as composer from "./composer.js";
import { beginKeys } from "./keys.js";
import { beginLive } from "./live.js";
import { chime } from "./sound.js";
import { here, left } from "./presence.js";
import { offerReactions } from "./reactions.js";

const usualTitle = document.title;
let rowsUrl = byId("rows").dataset.url;

/* Opening */

async function openConversation(url, { push = true } = {}) {
  left();
  const fresh = await part(url).catch(() => null);
  if (!fresh) return location.assign(url);
  byId("pane").replaceChildren(fresh);
  localise(byId("pane"));
  if (push) history.pushState({}, "", url);
  shown();
}

function shown() {
  document.body.classList.toggle("in-thread", !!thread.thread());
  for (const link of byId("rows").querySelectorAll("a[data-open]")) {
    if (link.dataset.open === thread.openId()) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  thread.begin();
  composer.begin();
  retitle();
  seen();
  here(false);
}

async function toList({ push = true } = {}) {
  left();
  const open = thread.openId();
  byId("pane").replaceChildren();
  document.body.classList.remove("in-thread");
  const url = new URL(root().dataset.home, location.href);
  url.search = new URL(rowsUrl, location.href).search;
  if (push) history.pushState({}, "", url);
  document.title = usualTitle;
  const row = document.querySelector(`#rows a[data-open="${CSS.escape(open ?? "")}"]`);
  row?.removeAttribute("aria-current");
  row?.focus();
}

window.addEventListener("popstate", () => {
  const path = location.pathname;
  if (path.replace(/\/$/, "") === root().dataset.home) toList({ push: false });
  else openConversation(location.href, { push: false });
});

document.addEventListener("click", (event) => {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest("a");
  if (!link) return;
  const acts = [
    ["open", () => openConversation(link.href)],
    ["back", () => toList()],
    ["panel", () => togglePanel()],
    ["jump", () => jump(link)],
    ["reply", () => composer.replyTo(link.closest("li.message"))],
    ["react", () => offerReactions(link.closest("li.message"))],
    ["filter", () => filter(link.href)],
    ["older", () => (byId("rows").contains(link) ? olderRows(link) : false)],
  ];
  const act = acts.find(([name]) => name in link.dataset)?.[1];
  if (act && act() !== false) event.preventDefault();
});

function togglePanel() {
  const panel = byId("panel");
  panel.hidden = !panel.hidden;
  thread.thread().querySelector("[data-panel]").setAttribute("aria-expanded", String(!panel.hidden));
  if (!panel.hidden) panel.querySelector("[data-panel]").focus();
}

function jump(link) {
  const item = byId(`m-${link.dataset.jump}`);
  if (item) thread.show(item);
  else location.assign(link.href);
}

/* Acts: forms that change something and let the pane say what came of it */

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-act], [data-decide]")) return;
  event.preventDefault();
  const data = new FormData(form, event.submitter);
  if (data.has("seen")) data.set("seen", thread.newest());
  const response = await send(form.action, data).catch(() => null);
  if (!response?.ok) return form.submit();
  if (form.matches("[data-decide]")) return thread.refresh();
  await refreshPane();
  refreshList();
});

async function refreshPane() {
  await refreshAround(true);
  await thread.refresh();
}

/** Bring what stands around the thread up to date: its head, and the panel unless somebody is writing in it. */
async function refreshAround(mine = false) {
  const open = thread.openId();
  const fresh = await part(location.href.replace(/#.*/, ""), { background: true }).catch(() => null);
  if (!fresh || !byId("panel") || thread.openId() !== open) return;
  localise(fresh);
  const [panel, head] = [fresh.querySelector("#panel"), fresh.querySelector(".thread-top")];
  panel.hidden = byId("panel").hidden;
  const line = head.querySelector("#presence");
  line.textContent = byId("presence").textContent;
  line.className = byId("presence").className;
  head.querySelector("[data-panel]").setAttribute("aria-expanded", String(!panel.hidden));
  if (mine || !byId("panel").contains(document.activeElement)) swap(byId("panel"), panel);
  swap(document.querySelector(".thread-top"), head);
}

function swap(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(fresh);
  if (focused) (focused.id ? byId(focused.id) : fresh.querySelector(`[name="${focused.name}"]`))?.focus({ preventScroll: true });
}
const refreshAroundSoon = settled(700, () => refreshAround());

/* The list */

async function filter(url) {
  const asked = new URL(url);
  const open = thread.openId();
  const rows = new URL(rowsUrl, location.href);
  rows.search = asked.search;
  rowsUrl = rows.href;
  const page = await part(open ? url : asked.href).catch(() => null);
  if (!page) return location.assign(url);
  const nav = page.querySelector(".filters");
  if (nav) document.querySelector(".filters").replaceWith(nav);
  history.replaceState({}, "", open ? location.pathname + asked.search : asked.href);
  await refreshList();
  byId("rows").scrollTop = 0;
}

const refreshList = async () => {
  const fresh = await part(rowsUrl, { background: true }).catch(() => null);
  if (!fresh) return;
  localise(fresh);
  for (const link of fresh.querySelectorAll("a[data-open]")) {
    if (link.dataset.open === thread.openId()) link.setAttribute("aria-current", "true");
  }
  const loaded = [...byId("rows").querySelectorAll(".row-of")].slice(fresh.querySelectorAll(".row-of").length);
  if (loaded.length) {
    const ids = new Set([...fresh.children].map((each) => each.id));
    fresh.querySelector(".older")?.remove();
    fresh.append(...loaded.filter((each) => !ids.has(each.id)));
    const more = byId("rows").querySelector(".older");
    if (more) fresh.append(more);
  }
  arrange(byId("rows"), fresh);
  retitle();
};
const refreshListSoon = settled(150, refreshList);

async function olderRows(link) {
  const fresh = await part(link.href).catch(() => null);
  if (!fresh) return location.assign(link.href);
  localise(fresh);
  link.closest("li").replaceWith(...fresh.children);
}

const search = byId("search");
search.addEventListener("input", settled(250, () => {
  const rows = new URL(rowsUrl, location.href);
  if (search.value.trim()) rows.searchParams.set("q", search.value);
  else rows.searchParams.delete("q");
  rowsUrl = rows.href;
  refreshList();
}));
search.form.addEventListener("submit", (event) => { event.preventDefault(); byId("rows").querySelector("a")?.focus(); });

let unread = 0;

function retitle() {
  const name = thread.thread()?.dataset.title ?? usualTitle;
  document.title = unread ? `(${unread}) ${name}` : name;
}

/* News */

const refreshThread = settled(60, async () => {
  const came = await thread.refresh().catch(() => false);
  if (came) {
    composer.refreshComposer().catch(() => {});
    seen();
  }
});

function news(what) {
  const ids = what.conversations ?? null;
  const open = thread.openId();
  if (what.presence) presence(what.presence);
  if ("unread" in what) count(what);
  if (ids && !ids.length) return;
  refreshListSoon();
  if (open && (!ids || ids.includes(open))) {
    refreshThread();
    refreshAroundSoon();
  }
}

/** Show the counts of unread conversations and of those that wait: in the title, and on the filters. */
function count(what) {
  unread = what.unread;
  for (const name of ["unread", "waiting"]) {
    const filter = document.querySelector(`.filter[data-filter=${name}]`);
    let mark = filter?.querySelector(".filter-count");
    if (filter && !mark) filter.append(" ", mark = el("span", { class: "filter-count" }));
    if (mark) mark.textContent = what[name] || "";
  }
  retitle();
}

function presence(people) {
  const line = byId("presence");
  if (!line) return;
  const others = people.filter((each) => each.conversation === thread.openId() && each.person !== root().dataset.me);
  const typing = others.filter((each) => each.typing).map((each) => each.name);
  const text = typing.length ? word("typing", { name: typing.join(", ") })
    : others.length ? word("here", { name: others.map((each) => each.name).join(", ") }) : line.dataset.usual;
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle("typing", typing.length > 0);
}

/** Tell that somebody looks at the thread: it is read up to the newest message that is shown, and no further. */
function seen() {
  if (!thread.thread()?.dataset.seenUrl || document.hidden || !document.hasFocus()) return;
  const data = new FormData();
  data.append("seen", thread.newest());
  send(thread.thread().dataset.seenUrl, data, { headers: { "X-Inbox-Background": "1" } })
    .then(() => refreshListSoon()).catch(() => {});
}
window.addEventListener("focus", seen);
document.addEventListener("visibilitychange", () => { if (!document.hidden) seen(); });

/** Let the rings of the 24 hours empty while the page stays open. */
setInterval(() => {
  for (const avatar of document.querySelectorAll("[data-closes]")) {
    const left = Math.max(0, Math.round((new Date(avatar.dataset.closes) - Date.now()) / 864_000));
    avatar.querySelector(".ring-left")?.setAttribute("stroke-dasharray", `${left} 100`);
  }
}, 60_000);

let lastUnread = countUnread();

function countUnread() {
  return [...byId("rows").querySelectorAll(".row-of .count")].reduce((sum, each) => sum + (parseInt(each.textContent, 10) || 0), 0);
}

new MutationObserver(() => {
  const now = countUnread();
  if (now > lastUnread) chime();
  lastUnread = now;
}).observe(byId("rows"), { childList: true });

beginKeys(toList);
beginLive(news);
shown();
