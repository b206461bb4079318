// @ts-check
/** How loud a track is, and a tone to test the speaker. */

const GAIN = 65; // dB below full scale that still count as something
const SPAN = 60;

/** Where the browser hands over the samples no audio context is needed, which it would not start before a click. */
const Processor = /** @type {any} */ (globalThis).MediaStreamTrackProcessor;

/** @type {AudioContext | null} */
let shared = null;

export class Meter {
  #power = 0;
  #stop = () => {};

  /** @param {MediaStreamTrack | null} track */
  listen(track) {
    this.#stop();
    this.#power = 0;
    this.#stop = track ? (Processor ? this.#read(track) : this.#analyse(track)) : () => {};
  }

  /** 0 silent to 1 full; speech is about 0.3. */
  level() {
    const decibel = 10 * Math.log10(this.#power + 1e-9);
    return Math.min(1, Math.max(0, (decibel + GAIN) / SPAN));
  }

  /** @param {MediaStreamTrack} track @returns {() => void} ends it */
  #read(track) {
    const reader = new Processor({ track, maxBufferSize: 4 }).readable.getReader();
    let samples = new Float32Array(0);
    const next = async () => {
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        if (samples.length < value.numberOfFrames) samples = new Float32Array(value.numberOfFrames);
        const part = samples.subarray(0, value.numberOfFrames);
        value.copyTo(part, { planeIndex: 0, format: "f32-planar" });
        value.close();
        this.#take(part);
      }
    };
    next().catch(console.warn);
    return () => reader.cancel().catch(console.warn);
  }

  /** @param {MediaStreamTrack} track @returns {() => void} ends it */
  #analyse(track) {
    const context = (shared ??= new AudioContext());
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    const source = context.createMediaStreamSource(new MediaStream([track]));
    source.connect(analyser);
    const samples = new Float32Array(512);
    const wake = () => context.resume().catch(console.warn);
    document.addEventListener("pointerdown", wake);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      this.#take(samples);
    }, 50);
    return () => {
      clearInterval(timer);
      source.disconnect();
      document.removeEventListener("pointerdown", wake);
    };
  }

  /** @param {Float32Array} samples */
  #take(samples) {
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
    this.#power += (power - this.#power) * (power > this.#power ? 0.7 : 0.2); // up at once, down slowly: readable
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
