// @ts-check
/** The chat kept with the record: posts by HTTP, news by the socket; what is typed survives everything. */
import { csrf, element } from "@/base/dom.js";
import { drawTimes } from "@/base/times.js";
import { toast } from "@/base/toasts.js";

/** @typedef {{seq: number, author: string, name: string, own: boolean, body: string, at: string, token: string}} Message */

const TYPING_EVERY = 3000;
const TYPING_LASTS = 4500;

export class Chat {
  #seq = 0;
  #unread = 0;
  #typed = 0;
  #loaded = false; // what was said before this page opened is not unread
  #typingTimer = 0;
  /** @type {Promise<void>} */
  #fetching = Promise.resolve();

  /** @param {HTMLElement} root the panel @param {{url: string, key: string, onTyping: () => void}} options */
  constructor(root, { url, key, onTyping }) {
    this.root = root;
    this.url = url;
    this.key = key;
    this.list = /** @type {HTMLElement} */ (root.querySelector("[data-messages]"));
    this.form = /** @type {HTMLFormElement} */ (root.querySelector("form"));
    this.field = /** @type {HTMLTextAreaElement} */ (root.querySelector("textarea"));
    this.typing = /** @type {HTMLElement} */ (root.querySelector("[data-typing]"));
    this.badge = /** @type {HTMLElement} */ (document.querySelector("[data-unread]"));
    this.field.value = localStorage.getItem(key) ?? "";
    this.field.addEventListener("input", () => {
      localStorage.setItem(key, this.field.value);
      if (performance.now() - this.#typed < TYPING_EVERY) return;
      this.#typed = performance.now();
      onTyping();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    root.addEventListener("tab:shown", () => this.read());
  }

  /** Fetch what is not here yet. */
  refresh() {
    this.#fetching = this.#fetching.then(() => this.#fetch()).catch(console.warn);
    return this.#fetching;
  }

  read() {
    this.#unread = 0;
    this.badge.hidden = true;
    this.#toEnd();
  }

  /** @param {string} name who is typing */
  showTyping(name) {
    this.typing.textContent = interpolate(gettext("%(name)s is typing…"), { name }, true);
    clearTimeout(this.#typingTimer);
    this.#typingTimer = window.setTimeout(() => (this.typing.textContent = ""), TYPING_LASTS);
  }

  async #fetch() {
    const headers = { Accept: "application/json", "X-Background": "1" };
    const answer = await fetch(`${this.url}?after=${this.#seq}`, { headers });
    if (!answer.ok) throw new Error(`messages: ${answer.status}`);
    const { messages } = await answer.json();
    for (const message of messages) {
      this.#add(message, !this.#loaded);
      this.#seq = Math.max(this.#seq, message.seq);
    }
    if (messages.length === 200) await this.#fetch();
    this.#loaded = true;
  }

  async #send() {
    const body = this.field.value.trim();
    if (!body) return;
    const token = crypto.randomUUID();
    const row = this.#row({ seq: 0, author: "", name: gettext("You"), own: true, body, at: new Date().toISOString(), token });
    row.classList.add("message-pending");
    this.list.append(row);
    this.#toEnd();
    this.field.value = "";
    localStorage.removeItem(this.key);
    await this.#post(row, body, token, 0);
  }

  /** A lost connection is tried again with the same token: the message is kept once. @param {HTMLElement} row @param {string} body @param {string} token @param {number} tries */
  async #post(row, body, token, tries) {
    const form = new URLSearchParams({ body, token });
    const headers = { "X-CSRFToken": csrf(), Accept: "application/json" };
    const answer = await fetch(this.url, { method: "POST", body: form, headers }).catch(() => null);
    if (answer?.ok) {
      this.#add(await answer.json(), true);
      return;
    }
    if ((!answer || answer.status >= 500) && tries < 20) {
      setTimeout(() => this.#post(row, body, token, tries + 1), 1000 + tries * 300);
      return;
    }
    const words = answer ? (await answer.json().catch(() => ({}))).message : "";
    toast(words || gettext("The message was not sent."), { tone: "danger" });
    row.remove();
    this.field.value = this.field.value ? `${body}\n${this.field.value}` : body;
    localStorage.setItem(this.key, this.field.value);
  }

  /** @param {Message} message @param {boolean} quiet */
  #add(message, quiet) {
    const pending = message.token ? this.list.querySelector(`[data-token="${CSS.escape(message.token)}"]`) : null;
    if (this.list.querySelector(`[data-seq="${message.seq}"]`)) return;
    const row = this.#row(message);
    pending?.remove();
    const rows = /** @type {HTMLElement[]} */ ([...this.list.children]);
    this.list.insertBefore(row, rows.find((other) => Number(other.dataset.seq ?? Infinity) > message.seq) ?? null);
    if (!message.own) this.typing.textContent = "";
    if (this.root.hidden || this.root.closest("[hidden]")) {
      if (!quiet && !message.own) this.#count();
    } else this.#toEnd();
  }

  /** @param {Message} message */
  #row(message) {
    const time = element("time", { datetime: message.at, "data-relative": "" });
    const head = element("div", { class: "message-head" }, element("strong", {}, message.own ? gettext("You") : message.name), time);
    const row = element("li", { class: `message ${message.own ? "message-own" : ""}`.trim() }, head, element("div", { class: "message-body" }, message.body));
    if (message.seq) row.dataset.seq = String(message.seq);
    if (message.token) row.dataset.token = message.token;
    drawTimes(row);
    return row;
  }

  #count() {
    this.#unread += 1;
    this.badge.textContent = String(this.#unread);
    this.badge.hidden = false;
  }

  #toEnd() {
    this.list.lastElementChild?.scrollIntoView({ block: "end" });
  }
}
