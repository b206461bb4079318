// @ts-check
/** One file on its way to the server: checksum, resumable upload (tus), comparison. Draws nothing. */
import { Upload } from "@vendor/tus.js";
import { csrf } from "@/base/dom.js";
import { digest } from "@/upload/sha256.js";

const SLIDES = /\.(svs|tiff?|dcm)$/i; // may be larger than other files: the site says how much
const CHUNK = 1024 * 1024; // what a cut line loses at most
const PAUSES = [500, 1000, 2000, 4000, 8000, 15000, 30000, 30000, 30000, 30000];

/** @typedef {"waiting" | "checking" | "sending" | "stopped" | "stored" | "refused" | "failed"} Stage */

export class Sending {
  /** @type {Stage} */ stage = "waiting";
  done = 0;
  words = "";
  sha256 = "";
  /** @type {number | null} */ image = null;
  #abort = new AbortController();
  /** @type {any} */ #upload = null;

  /** @param {File} file @param {string} url where uploads begin @param {number} largest @param {(self: Sending) => void} changed @param {Record<string, string>} [more] what else is told of it */
  constructor(file, url, largest, changed, more = {}) {
    this.file = file;
    this.url = url;
    this.largest = largest;
    this.changed = changed;
    this.more = more;
  }

  get isOver() {
    return ["stored", "refused", "failed"].includes(this.stage);
  }

  /** @param {Stage} stage @param {string} [words] */
  #become(stage, words = "") {
    this.stage = stage;
    this.words = words;
    this.changed(this);
  }

  /** Never rejects: what went wrong is in `stage` and `words`. */
  async start() {
    if (this.#abort.signal.aborted) return;
    try {
      if (this.file.size === 0) return this.#become("refused", gettext("The file is empty. Export or photograph it again."));
      if (this.file.size > this.largest && !SLIDES.test(this.file.name)) {
        return this.#become("refused", gettext("The file is larger than this site takes. Send single images instead of a whole study."));
      }
      this.#become("checking");
      this.sha256 = await digest(this.file, (done) => this.#progress(done), this.#abort.signal);
      const known = await this.#known();
      if (known.image) return this.#isHere(known);
      this.done = 0;
      this.#become("sending");
      await this.#send(known.upload);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#become("failed", error instanceof Error && error.cause === "words" ? error.message : unreadable());
    }
  }

  /** @param {number} done */
  #progress(done) {
    this.done = done;
    this.changed(this);
  }

  async #known() {
    const answer = await fetch(`${this.url}?sha256=${this.sha256}`, { headers: { Accept: "application/json" }, signal: this.#abort.signal });
    if (answer.ok) return answer.json();
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.message ?? unreadable(), { cause: "words" });
  }

  /** @param {{image: number, state: string, message: string}} known */
  #isHere(known) {
    this.image = known.image;
    this.done = this.file.size;
    if (known.state === "refused") this.#become("refused", known.message);
    else this.#become("stored", gettext("This file is already here."));
  }

  /** @param {string | null} running where an earlier attempt stands @returns {Promise<void>} */
  #send(running) {
    return new Promise((resolve) => {
      this.#upload = new Upload(this.file, {
        endpoint: this.url,
        uploadUrl: running,
        chunkSize: CHUNK,
        retryDelays: PAUSES,
        storeFingerprintForResuming: false, // the server knows by checksum, also in another browser
        removeFingerprintOnSuccess: true,
        metadata: { filename: this.file.name, sha256: this.sha256, ...this.more },
        headers: { Accept: "application/json", "X-CSRFToken": csrf() },
        onProgress: (/** @type {number} */ sent) => this.#progress(sent),
        onShouldRetry: (/** @type {any} */ error) => this.#mayRetry(error),
        onError: (/** @type {any} */ error) => resolve(this.#failed(error)),
        onSuccess: (/** @type {any} */ payload) => resolve(this.#arrived(payload.lastResponse)),
      });
      this.#upload.start();
    });
  }

  /** Refusals are final; 409 and 423 mean "look again where it stands"; no answer means the line is cut. @param {any} error */
  #mayRetry(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    const again = status === 0 || status >= 500 ? status !== 507 : status === 423 || (status === 409 && said(error).code === "offset");
    if (again) this.#become("sending", status ? "" : gettext("No connection. Sending goes on by itself."));
    return again;
  }

  /** @param {any} error */
  #failed(error) {
    const { code, message, image } = said(error);
    if (code === "exists") return this.#isHere({ image, state: "", message: "" });
    const status = error.originalResponse?.getStatus() ?? 0;
    const final = [413, 422, 460].includes(status);
    this.#become(final ? "refused" : "failed", message || unreadable());
  }

  /** @param {any} response of the last PATCH */
  #arrived(response) {
    this.done = this.file.size;
    this.image = Number(response.getHeader("X-Image")) || null;
    const refusal = response.getHeader("X-Refusal");
    if (refusal) return this.#become("refused", decodeURIComponent(refusal));
    const same = response.getHeader("X-Sha256") === this.sha256;
    if (same) this.#become("stored", gettext("Arrived whole, checksum equal; now it is looked at"));
    else this.#become("failed", gettext("What arrived is not what was sent. Send the file again."));
  }

  /** Forgets the file, here and at the server. */
  async cancel() {
    this.#abort.abort();
    if (this.#upload && !this.isOver) await this.#upload.abort(true).catch(() => {});
    this.stage = "stopped";
  }
}

/** @param {any} error @returns {{code: string, message: string, image: number}} */
function said(error) {
  try {
    return JSON.parse(error.originalResponse?.getBody() || "{}");
  } catch {
    return { code: "", message: "", image: 0 };
  }
}

function unreadable() {
  return gettext("Sending failed. Try again: what has arrived is kept.");
}
