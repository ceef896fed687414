// The template picker: finds while one types, and shows what the customer will see.
const find = document.getElementById("find");
const form = document.getElementById("fill-form");

find.hidden = false;
find.addEventListener("input", () => {
  const words = find.value.toLowerCase();
  for (const each of document.querySelectorAll("#choices li")) {
    each.hidden = !each.dataset.words?.toLowerCase().includes(words);
  }
});

let timer = 0;
let last = null;
form?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(preview, 200);
});
form?.addEventListener("submit", (event) => {
  if (form.dataset.sent && event.submitter?.id !== "preview-button") return event.preventDefault(); // a double click
  if (event.submitter?.id !== "preview-button") form.dataset.sent = "1";
});
document.getElementById("preview-button")?.setAttribute("hidden", "");

async function preview() {
  last?.abort();
  last = new AbortController();
  const given = new URLSearchParams(new FormData(form));
  given.delete("csrf_token");
  const url = new URL(form.action);
  for (const [name, value] of given) url.searchParams.set(name, value);
  try {
    const response = await fetch(url, { headers: { Accept: "text/html", "X-Inbox-Background": "1" }, signal: last.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("preview");
    if (fresh) document.getElementById("preview").replaceChildren(...fresh.children);
  } catch {
    // the preview stays as it was; sending checks everything again
  }
}
