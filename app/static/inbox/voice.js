// Voice messages. Browsers record what they can; the server makes of it what WhatsApp takes.
import { announce, byId, el, icon, word } from "./dom.js";
import { sendFile } from "./files.js";

const BITS_PER_SECOND = 24_000; // WhatsApp shows a voice message as one up to 512 KB
const CONTAINERS = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];
let recorder = null;
let timer = 0;

/** Begin with a composer that was just shown. */
export function beginVoice() {
  const button = byId("record");
  if (!byId("answer").dataset.filesUrl || !navigator.mediaDevices || !window.MediaRecorder) {
    button.hidden = true;
    return;
  }
  button.addEventListener("click", start);
  byId("record-cancel").addEventListener("click", () => stop(false));
  byId("record-send").addEventListener("click", () => stop(true));
}

async function start() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true } });
  } catch {
    announce(word("noMic"));
    byId("record").title = word("noMic");
    return;
  }
  const mimeType = CONTAINERS.find((each) => MediaRecorder.isTypeSupported(each));
  const chunks = [];
  recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
  recorder.addEventListener("dataavailable", (event) => chunks.push(event.data));
  recorder.addEventListener("stop", () => finish(stream, chunks));
  recorder.start(); // in one piece: with slices a WebM would have no duration
  show(true);
  count(stream);
  byId("record-send").focus();
}

function stop(keep) {
  if (recorder?.state !== "recording") return;
  recorder.keep = keep;
  recorder.stop();
}

function finish(stream, chunks) {
  for (const track of stream.getTracks()) track.stop();
  clearInterval(timer);
  show(false);
  const { keep, mimeType } = recorder;
  recorder = null;
  if (!byId("answer") || !keep) return byId("record")?.focus();
  const type = mimeType.split(";")[0];
  const name = `voice.${{ "audio/ogg": "ogg", "audio/mp4": "m4a" }[type] ?? "webm"}`;
  const file = new File(chunks, name, { type });
  const reply = byId("answer").reply_to.value;
  sendFile(file, { voice: "1", reply_to: reply }, el("p", { class: "kind" }, icon("mic"), word("voice")));
  byId("text").focus();
}

function show(isRecording) {
  if (!byId("recorder")) return;
  byId("recorder").hidden = !isRecording;
  byId("answer-line").hidden = isRecording;
}

function count(stream) {
  const began = Date.now();
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  timer = setInterval(() => {
    if (!byId("record-time") || recorder === null) {
      clearInterval(timer);
      context.close();
      return;
    }
    const seconds = Math.floor((Date.now() - began) / 1000);
    byId("record-time").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    analyser.getByteTimeDomainData(samples);
    byId("record-level").value = Math.max(...samples.map((each) => Math.abs(each - 128))) / 128;
  }, 100);
}
