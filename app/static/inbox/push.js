// Notifications on this device, on the page "You". Hidden in browsers that cannot have them.
import { at, say, send } from "./inbox.js";

const PLACE = at("/inbox/me/push");
const box = document.getElementById("push");
const button = box.querySelector("button");
const words = box.dataset;
const devices = new Set(JSON.parse(words.devices));

/** The browser's subscription if it counts here: the gateway knows it, and the browser still allows notifications. */
async function present() {
  const { pushManager } = await navigator.serviceWorker.ready;
  const found = await pushManager.getSubscription();
  return found && devices.has(found.endpoint) && Notification.permission === "granted" ? found : null;
}

async function turnOn() {
  if ((await Notification.requestPermission()) !== "granted") return words.denied;
  const response = await fetch(PLACE, { headers: { Accept: "application/json" } });
  if (!response.ok) return words.failed;
  const { pushManager } = await navigator.serviceWorker.ready;
  await (await pushManager.getSubscription())?.unsubscribe(); // it may be of another key, or of another person
  const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: (await response.json()).key });
  if (!(await send(PLACE, { ...made.toJSON() })).ok) {
    await made.unsubscribe();
    return words.failed;
  }
  devices.add(made.endpoint);
  return "";
}

async function turnOff(subscription) {
  if (!(await send(`${PLACE}/off`, { endpoint: subscription.endpoint })).ok) return words.failed;
  devices.delete(subscription.endpoint);
  await subscription.unsubscribe();
  return "";
}

async function refresh(text) {
  const isOn = Boolean(await present());
  button.querySelector("span").textContent = isOn ? words.turnOff : words.turnOn;
  box.querySelector("[role=status]").textContent = text || (isOn ? words.isOn : "");
  if (text) say(text);
}

async function toggle() {
  button.disabled = true;
  try {
    const subscription = await present();
    await refresh(subscription ? await turnOff(subscription) : await turnOn());
  } catch {
    await refresh(words.failed);
  } finally {
    button.disabled = false;
  }
}

if (window.isSecureContext && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  button.addEventListener("click", toggle);
  refresh("").then(() => { box.hidden = false; }).catch(() => null);
}
