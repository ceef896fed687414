// What every page needs: the browser's time zone, and times in it.
const ZONE = "inbox-zone";
const page = document.documentElement;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

if (zone && !document.cookie.split("; ").includes(`${ZONE}=${zone}`)) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${ZONE}=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  localise(document);
}

/** Write the times below an element in the browser's zone. */
export function localise(root) {
  const styles = {
    both: { dateStyle: "short", timeStyle: "short" },
    exact: { dateStyle: "short", timeStyle: "medium" },
    date: { dateStyle: "medium" },
    time: { timeStyle: "short" },
  };
  for (const each of root.querySelectorAll("time[data-style]")) {
    const format = new Intl.DateTimeFormat(page.lang, styles[each.dataset.style]);
    each.textContent = format.format(new Date(each.dateTime));
  }
}

/** Make a request that changes something. `body` is an object, which is sent as JSON, or a FormData or Blob. */
export function send(path, body, { method = "POST", headers = {} } = {}) {
  const isJson = body && Object.getPrototypeOf(body) === Object.prototype;
  return fetch(path, {
    method,
    body: isJson ? JSON.stringify(body) : body,
    headers: {
      Accept: "application/json",
      "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content,
      ...(isJson ? { "Content-Type": "application/json" } : {}),
      ...headers,
    },
  });
}

/** Let a screen reader say something. */
export function say(text) {
  document.getElementById("live").textContent = text;
}

/** The address of a page or route of ours, at whatever prefix the gateway is served. */
export function at(path) {
  return page.dataset.root + path;
}

if (window.isSecureContext && "serviceWorker" in navigator) {
  navigator.serviceWorker.register(at("/inbox/worker.js"), { scope: at("/inbox") });
}

// A link or key that is shown once is chosen whole by one click.
for (const field of document.querySelectorAll("[data-copy]")) {
  field.addEventListener("focus", () => field.select());
}
