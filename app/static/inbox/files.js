// Files by picker, drag and paste: chosen ones wait with their captions, then go up one after the other.
import { announce, byId, el, icon, word } from "./dom.js";
import { newest, pending, thread } from "./thread.js";

const MOST_BYTES = 100 * 1024 * 1024;
let waiting = [];
let sendOne = null;

/** Begin with a composer that was just shown. */
export function beginFiles(sender) {
  sendOne = sender;
  waiting = [];
  const input = byId("file-input");
  if (!byId("answer").dataset.filesUrl) {
    byId("attach").hidden = true;
    return;
  }
  input.hidden = false;
  byId("attach").addEventListener("click", () => input.click());
  input.addEventListener("change", () => { add(input.files); input.value = ""; });
  byId("text").addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      add(event.clipboardData.files);
    }
  });
  const area = thread();
  byId("scroller").dataset.drop = word("drop");
  area.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    area.classList.add("drop");
  });
  area.addEventListener("dragleave", (event) => { if (!area.contains(event.relatedTarget)) area.classList.remove("drop"); });
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("drop");
    add(event.dataTransfer.files);
  });
}

function add(files) {
  for (const file of files) {
    if (file.size > MOST_BYTES) announce(word("tooLarge"));
    else waiting.push({ file, caption: "", url: file.type.startsWith("image/") ? URL.createObjectURL(file) : null });
  }
  draw();
  byId("text").focus();
}

function draw() {
  const list = byId("files-to-send");
  list.hidden = waiting.length === 0;
  list.replaceChildren(...waiting.map((each) => el("li", {},
    each.url ? el("img", { src: each.url, alt: "" }) : icon("file"),
    el("span", { class: "name" }, each.file.name),
    takesCaption(each.file) ? el("input", {
      placeholder: word("caption"), "aria-label": `${word("caption")}: ${each.file.name}`, maxlength: "1024", value: each.caption,
      oninput: (event) => { each.caption = event.target.value; },
    }) : null,
    el("button", { class: "icon-button", type: "button", "aria-label": `${word("remove")}: ${each.file.name}`, onclick: () => { waiting = waiting.filter((other) => other !== each); draw(); } }, icon("x")))));
}

function takesCaption(file) {
  return !file.type.startsWith("audio/");
}

/** Send the files that wait; the text is the caption of the first that has none. Returns whether there were any. */
export function sendFiles(text, reply) {
  const files = waiting;
  if (!files.length) return false;
  waiting = [];
  draw();
  const first = files.find((each) => !each.caption && takesCaption(each.file));
  if (text && first) first.caption = text;
  files.forEach((each, position) => {
    const data = { caption: each.caption, reply_to: position === 0 ? reply : "" };
    sendFile(each.file, data, each.url ? el("img", { src: each.url, alt: each.file.name }) : el("span", { class: "file-name" }, each.file.name), each.caption);
  });
  return true;
}

/** Send one file with what is shown meanwhile. */
export function sendFile(file, values, picture, caption = "") {
  const bar = el("progress", { max: "1", value: "0", "aria-label": word("sending") });
  const item = pending(picture, caption ? el("div", { class: "text" }, el("p", { dir: "auto" }, caption)) : null, bar);
  const make = (key) => {
    const data = new FormData();
    for (const [name, value] of Object.entries({ ...values, key, seen: newest() })) data.append(name, value);
    data.append("file", file, file.name ?? "voice");
    return data;
  };
  sendOne(item, make, byId("answer").dataset.filesUrl, upload);
}

/** POST with progress, which `fetch` does not tell. */
function upload(url, data, item) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", document.querySelector('meta[name="csrf-token"]').content);
    request.upload.addEventListener("progress", (event) => {
      const bar = item.querySelector("progress");
      if (bar && event.lengthComputable) bar.value = event.loaded / event.total;
    });
    request.addEventListener("load", () => resolve(new Response(request.responseText, { status: request.status })));
    request.addEventListener("error", () => reject(new Error("offline")));
    request.send(data);
  });
}
