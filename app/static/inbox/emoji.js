// Emoji: a small choice of those that people use in shops, and the six of WhatsApp for reactions.
import { byId, el } from "./dom.js";

export const REACTIONS = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
const CHOICE = [
  ..."😀😃😄😁😆😅😂🤣😊🙂😉😍🥰😘😎🤩🤔😐😕🙁😢😭😮😱😴🥳🤗🤝👍👎👌✌🤞👏🙌🙏💪👋☝👉👈👀🎉🎁🎂🎈⭐✨🔥💯✅❌❗❓💬📞📱📧📦🚚🛵✈🏠🏪🛒💳💵🧾📍🗺📅⏰⏳🔔🔧📷🎧☕🍕🍰🍎🌹🌞🌧🐶🐱🇦🇷🇧🇷🇨🇱🇨🇴🇪🇸🇲🇽🇵🇹🇺🇾",
];

/** Flags are pairs of letters. */
function joined(letters) {
  const found = [];
  for (const letter of letters) {
    const isLetter = letter >= "\u{1F1E6}" && letter <= "\u{1F1FF}";
    const last = found.at(-1);
    if (isLetter && last && [...last].length === 1 && last >= "\u{1F1E6}") found[found.length - 1] = last + letter;
    else found.push(letter);
  }
  return found;
}

/** Begin with a composer that was just shown. */
export function beginEmoji(insert) {
  const panel = byId("emoji");
  const button = byId("emoji-button");
  const toggle = (open) => {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => {
    if (!panel.children.length) {
      panel.append(...joined(["❤️", ...CHOICE]).map((each) => el("button", { type: "button", onclick: () => { insert(each); } }, each)));
    }
    toggle(panel.hidden);
    if (!panel.hidden) panel.firstElementChild.focus();
  });
  panel.addEventListener("keydown", (event) => {
    const all = [...panel.children];
    const across = getComputedStyle(panel).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    if (step) {
      event.preventDefault();
      all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement) + step))].focus();
    }
    if (event.key === "Escape") {
      event.stopPropagation();
      toggle(false);
      button.focus();
    }
  });
}

document.addEventListener("click", (event) => {
  const panel = byId("emoji");
  if (!panel || panel.hidden || panel.contains(event.target) || byId("emoji-button").contains(event.target)) return;
  panel.hidden = true;
  byId("emoji-button").setAttribute("aria-expanded", "false");
});
