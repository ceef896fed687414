// A soft sound for a new message. Browsers allow it only after the person has used the page.
let context = null;
let last = 0;

document.addEventListener("pointerdown", wake, { once: true });
document.addEventListener("keydown", wake, { once: true });

function wake() {
  context ??= new AudioContext();
}

export function chime() {
  if (!context || Date.now() - last < 2000) return;
  last = Date.now();
  const now = context.currentTime;
  for (const [hertz, at] of [[660, 0], [880, 0.12]]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0, now + at);
    volume.gain.linearRampToValueAtTime(0.06, now + at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, now + at + 0.35);
    tone.connect(volume).connect(context.destination);
    tone.start(now + at);
    tone.stop(now + at + 0.4);
  }
}
