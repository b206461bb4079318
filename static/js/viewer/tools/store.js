// @ts-check
/** The marks of a consultation as the site keeps them, and one's own changes on their way there, in their order. Knows no DOM but words. */
import { csrf } from "@/base/dom.js";
import { toast } from "@/base/toasts.js";

/** @typedef {import("@/viewer/tools/kinds.js").Mark} Mark */

const AGAIN = 3000;

export class Store {
  /** @type {Map<string, Mark>} */ marks = new Map();
  may = false;
  /** @type {Map<string, number>} newest change of each, also of the deleted */ #revs = new Map();
  /** @type {Map<string, number>} changes on their way */ #waiting = new Map();
  /** @type {{uid: string, before: Mark | null}[]} */ #past = [];
  #turns = 0; // one's own changes that set out or arrived
  #queue = Promise.resolve();
  #loading = false;
  #again = false;
  #ended = false;

  /** @param {number} consultation @param {string} you the reader's username @param {() => void} changed */
  constructor(consultation, you, changed) {
    this.consultation = consultation;
    this.you = you;
    this.changed = changed;
  }

  /** Fetches what is kept; what is on its way from here counts more. */
  async load() {
    this.#again = true;
    if (this.#loading) return;
    this.#loading = true;
    while (this.#again && !this.#ended) {
      this.#again = false;
      const turns = this.#turns;
      const answer = await fetch(`/consultations/${this.consultation}/annotations/`, { headers: { Accept: "application/json", "X-Background": "1" } }).catch(() => null);
      const said = answer?.ok ? await answer.json() : null;
      if (said && turns !== this.#turns) this.#again = true; // from before or after one's own change, nobody knows
      else if (said) this.#take(said);
      else await new Promise((resolve) => setTimeout(resolve, AGAIN)).then(() => (this.#again = !answer || answer.status >= 500));
    }
    this.#loading = false;
  }

  /** News of one mark: as it is now, or that it was deleted; anything else is looked up. @param {{consultation?: number, mark?: Mark & {deleted?: boolean, by: string}}} news */
  hear({ consultation, mark }) {
    if (consultation && consultation !== this.consultation) return;
    if (!mark) return this.load();
    if (mark.rev <= (this.#revs.get(mark.uid) ?? 0) || this.#waiting.has(mark.uid)) return; // known, or one's own on its way
    this.#turns++;
    this.#revs.set(mark.uid, mark.rev);
    if (mark.deleted) this.marks.delete(mark.uid);
    else this.marks.set(mark.uid, { ...mark, mine: mark.by === this.you });
    this.changed();
  }

  /** @param {{may: boolean, annotations: Mark[]}} said */
  #take({ may, annotations }) {
    this.may = may;
    const now = new Map(annotations.map((mark) => [mark.uid, mark]));
    for (const uid of this.#waiting.keys()) {
      const own = this.marks.get(uid);
      if (own) now.set(uid, own);
      else now.delete(uid);
    }
    for (const mark of now.values()) this.#revs.set(mark.uid, Math.max(mark.rev, this.#revs.get(mark.uid) ?? 0));
    this.marks = now;
    this.changed();
  }

  /** Draws or changes one's own. @param {Mark} mark */
  put(mark) {
    this.#past.push({ uid: mark.uid, before: this.marks.get(mark.uid) ?? null });
    this.#put(mark);
  }

  /** @param {Mark} mark */
  #put(mark) {
    const rev = this.#next(mark.uid);
    const { frame, kind, points, text } = mark;
    this.marks.set(mark.uid, { ...mark, rev, waits: true });
    this.#send(mark, "PUT", JSON.stringify({ rev, frame, kind, points, text }));
  }

  /** @param {Mark} mark */
  remove(mark) {
    this.#past.push({ uid: mark.uid, before: mark });
    this.#remove(mark);
  }

  /** @param {Mark} mark */
  #remove(mark) {
    this.#next(mark.uid);
    this.marks.delete(mark.uid);
    this.#send(mark, "DELETE");
  }

  get mayUndo() {
    return this.#past.length > 0;
  }

  /** The last change of this page is taken back. */
  undo() {
    const last = this.#past.pop();
    if (!last) return;
    const now = this.marks.get(last.uid);
    if (last.before) this.#put(last.before);
    else if (now) this.#remove(now);
    return last.before ?? undefined;
  }

  /** @param {string} uid */
  #next(uid) {
    const rev = (this.#revs.get(uid) ?? 0) + 1;
    this.#revs.set(uid, rev);
    return rev;
  }

  /** @param {Mark} mark @param {string} method @param {string} [body] */
  #send(mark, method, body) {
    const { uid } = mark;
    this.#turns++;
    this.#waiting.set(uid, (this.#waiting.get(uid) ?? 0) + 1);
    this.changed();
    this.#queue = this.#queue.then(async () => {
      const answer = await this.#insist(`/images/${mark.image}/annotations/${uid}/`, method, body);
      this.#turns++;
      const left = (this.#waiting.get(uid) ?? 1) - 1;
      if (left) this.#waiting.set(uid, left);
      else this.#waiting.delete(uid);
      if (!answer) return;
      const said = await answer.json().catch(() => ({}));
      if (answer.ok && method === "PUT" && this.marks.get(uid)?.rev === said.rev) this.marks.set(uid, said);
      if (!answer.ok) {
        toast(said.message ?? gettext("This could not be kept."), { tone: "warn" });
        if (!left) this.marks.delete(uid); // what the site has instead comes with the list
        this.load();
      }
      this.changed();
    });
  }

  /** Until the site has answered: a lost line only delays. @param {string} url @param {string} method @param {string} [body] */
  async #insist(url, method, body) {
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrf() };
    for (;;) {
      const answer = await fetch(url, { method, body, headers, keepalive: true }).catch(() => null);
      if (answer && answer.status < 500) return answer;
      if (this.#ended) return null;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }

  end() {
    this.#ended = true;
  }
}
