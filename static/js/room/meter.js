// @ts-check
/** How loud a microphone is, and a tone to test the speaker. One audio context for the page. */

/** @type {AudioContext | null} */
let shared = null;

function context() {
  shared ??= new AudioContext();
  if (shared.state === "suspended") shared.resume().catch(() => {}); // until the first click; then levels move
  return shared;
}

export class Meter {
  #samples = new Float32Array(512);
  #analyser = context().createAnalyser();
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;

  constructor() {
    this.#analyser.fftSize = 512;
  }

  /** @param {MediaStreamTrack | null} track */
  listen(track) {
    this.#source?.disconnect();
    this.#source = track ? context().createMediaStreamSource(new MediaStream([track])) : null;
    this.#source?.connect(this.#analyser);
  }

  /** 0 silent to 1 full; speech is about 0.3. */
  level() {
    if (!this.#source) return 0;
    context();
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, value) => sum + value * value, 0) / this.#samples.length;
    const decibel = 10 * Math.log10(power + 1e-9);
    return Math.min(1, Math.max(0, (decibel + 65) / 60));
  }
}

/** Two soft notes on the chosen speaker. @param {string} [speaker] device id */
export async function playTone(speaker) {
  const audio = new AudioContext();
  if (speaker && "setSinkId" in audio) await /** @type {any} */ (audio).setSinkId(speaker).catch(console.warn);
  for (const [at, pitch] of [[0, 523], [0.3, 659]]) {
    const note = audio.createOscillator();
    const volume = audio.createGain();
    note.frequency.value = pitch;
    volume.gain.setValueAtTime(0, audio.currentTime + at);
    volume.gain.linearRampToValueAtTime(0.25, audio.currentTime + at + 0.03);
    volume.gain.linearRampToValueAtTime(0, audio.currentTime + at + 0.28);
    note.connect(volume).connect(audio.destination);
    note.start(audio.currentTime + at);
    note.stop(audio.currentTime + at + 0.3);
  }
  setTimeout(() => audio.close(), 1000);
}
