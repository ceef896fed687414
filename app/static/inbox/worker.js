// Shows a page of its own when there is no connection. It stores that page and no other.
const CACHE = "inbox-offline";
const OFFLINE = new URL("offline", location.href).href;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.add(new Request(OFFLINE, { credentials: "omit" }))));
});

addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate" && event.request.method === "GET") {
    event.respondWith(fetch(event.request).catch(() => caches.match(OFFLINE)));
  }
});
