// The overview keeps itself fresh, and texts can be copied. Without this file the pages work, and stay as they were loaded.
import { localise } from "./inbox.js";

const EVERY_MS = 5000;
const overview = document.getElementById("overview");
let etag = null;

/** Ask for the part that changes, and put it in place; what was folded out stays so. */
async function refresh() {
  if (document.hidden || overview.contains(document.activeElement)) return;
  const headers = { Accept: "text/html", "X-Inbox-Background": "1" };
  if (etag) headers["If-None-Match"] = etag;
  const response = await fetch(overview.dataset.live, { headers, cache: "no-store" });
  if (response.status === 401) return location.reload();
  if (response.status !== 200 || response.redirected) return;
  etag = response.headers.get("ETag");
  const open = [...overview.querySelectorAll("details[open][id]")].map((each) => each.id);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of open) fresh.getElementById(id)?.setAttribute("open", "");
  await load(fresh);
  overview.replaceChildren(...fresh.body.childNodes);
  localise(overview);
}

/** Wait for new plots before they are shown, so that nothing flickers. */
function load(fresh) {
  const now = new Map([...overview.querySelectorAll("img.plot")].map((each) => [each.alt, each]));
  return Promise.all([...fresh.querySelectorAll("img.plot")].map((each) => {
    const shown = now.get(each.alt)?.currentSrc;
    const fits = [...each.parentElement.querySelectorAll("source")].find((one) => matchMedia(one.media).matches);
    const wanted = fits ? fits.srcset : each.getAttribute("src");
    const source = new URL(wanted, location.href).href;
    if (source === shown) return null;
    const picture = new Image();
    picture.src = source;
    return picture.decode().catch(() => null);
  }));
}

if (overview) {
  const again = () => refresh().catch(() => null).finally(() => setTimeout(again, EVERY_MS));
  setTimeout(again, EVERY_MS);
  document.addEventListener("visibilitychange", () => refresh().catch(() => null));
}

for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source);
      document.execCommand("copy");
    }
    button.textContent = button.dataset.done;
    document.getElementById("live").textContent = button.dataset.done;
  });
}
