// Shows a page of its own when there is no connection; it stores that page and no other. Shows notifications.
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

addEventListener("push", (event) => {
  const told = read(event.data);
  event.waitUntil(registration.showNotification(told.title || "Inbox", {
    body: told.body || "",
    tag: told.conversation, // one notification for each conversation, the newest
    renotify: Boolean(told.conversation),
    data: { conversation: told.conversation || "" },
  }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { conversation } = event.notification.data;
  event.waitUntil(show(new URL(conversation ? encodeURIComponent(conversation) : "../inbox", location.href).href));
});

function read(data) {
  try {
    return data.json();
  } catch {
    return {};
  }
}

/** Go to the page if it is open, else open it; what somebody writes on another page stays as it is. */
async function show(address) {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = pages.find((page) => page.url.split(/[?#]/)[0] === address);
  return open ? open.focus() : clients.openWindow(address);
}
