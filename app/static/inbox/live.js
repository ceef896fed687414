// News from the server: a stream of events, and polling where no stream holds.
import { root } from "./dom.js";

const POLL_EVERY = 2000;
const TRY_STREAM_AGAIN = 60_000;
const SILENT_AFTER = 45_000; // the server says something every 15 seconds
let source = null;
let heard = 0;
let etag = "";
let polling = 0;
let tell = () => {};

/** Call `onNews` with what changed, again and again. */
export function beginLive(onNews) {
  tell = onNews;
  open();
  setInterval(() => { if (source && Date.now() - heard > SILENT_AFTER) fall(); }, 5000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !source) poll(); });
  window.addEventListener("online", () => tell({ all: true }));
}

function open() {
  if (!root().dataset.live) return;
  if (!window.EventSource) return pollOn();
  heard = Date.now();
  source = new EventSource(root().dataset.live);
  const listen = (event) => { heard = Date.now(); read(event.data); };
  source.addEventListener("open", () => {
    heard = Date.now();
    if (polling) tell({ all: true }); // what happened between the last poll and now
    clearInterval(polling);
    polling = 0;
  });
  source.addEventListener("news", listen);
  source.addEventListener("beat", () => { heard = Date.now(); });
  source.addEventListener("error", () => { if (source?.readyState === EventSource.CLOSED) fall(); });
}

/** A stream that ended for good, as by a deploy's 502: poll meanwhile, and try a stream again. */
function fall() {
  source?.close();
  source = null;
  pollOn();
  setTimeout(open, TRY_STREAM_AGAIN * (0.5 + Math.random()));
}

function pollOn() {
  if (!polling) polling = setInterval(poll, POLL_EVERY);
  poll();
}

async function poll() {
  if (document.hidden && Math.random() > 0.2) return;
  try {
    const response = await fetch(root().dataset.live, {
      headers: { Accept: "application/json", "X-Inbox-Background": "1", ...(etag ? { "If-None-Match": etag } : {}) },
      cache: "no-store",
    });
    if (response.status === 401) location.reload();
    if (response.status !== 200) return;
    etag = response.headers.get("ETag") ?? "";
    read(await response.text());
  } catch {
    // the next poll tries again
  }
}

function read(text) {
  try {
    tell(JSON.parse(text));
  } catch {
    tell({ all: true });
  }
}
