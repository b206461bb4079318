// @ts-check
/** The sounds of alerts, made here: no file is loaded. A browser lets a page sound only after a click or key in it. */

/** @type {AudioContext | null} */
let context = null;
let repeating = 0;

function audio() {
  context ??= new AudioContext();
  return context;
}

/** Whether the browser lets this page sound now. */
export function isUnlocked() {
  return audio().state === "running";
}

/** Called in a click or key: from now on the page may sound. */
export async function unlock() {
  await audio().resume();
}

/** One tone. @param {number} pitch Hz @param {number} after seconds @param {number} lasts seconds */
function tone(pitch, after, lasts) {
  const now = audio().currentTime + after;
  const source = audio().createOscillator();
  const loudness = audio().createGain();
  source.frequency.value = pitch;
  loudness.gain.setValueAtTime(0, now);
  loudness.gain.linearRampToValueAtTime(0.35, now + 0.02);
  loudness.gain.exponentialRampToValueAtTime(0.001, now + lasts);
  source.connect(loudness).connect(audio().destination);
  source.start(now);
  source.stop(now + lasts);
}

/** A short chime: something waits to be acknowledged. */
export function once() {
  if (!isUnlocked()) return;
  tone(660, 0, 0.25);
  tone(880, 0.18, 0.4);
}

function pattern() {
  if (!isUnlocked()) return;
  for (let turn = 0; turn < 3; turn += 1) {
    tone(960, turn * 0.5, 0.24);
    tone(770, turn * 0.5 + 0.25, 0.24);
  }
}

/** Rings every three seconds until `stop`. */
export function start() {
  if (repeating) return;
  pattern();
  repeating = window.setInterval(pattern, 3000);
}

export function stop() {
  clearInterval(repeating);
  repeating = 0;
}
