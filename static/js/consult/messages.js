// @ts-check
/**
 * The chat of one consultation: `[data-chat]` with `[data-chat-list]` and `[data-chat-form]`. Rows are the truth: news only says that
 * there are more, and they are fetched after the newest number known. A message that could not be sent stays and can be sent again.
 */
import { element, icon } from "@/base/dom.js";
import { drawTimes } from "@/base/times.js";

const NEAR = 80; // px from the end: still following

export class Chat {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.url = root.dataset.url ?? "";
    this.list = /** @type {HTMLElement} */ (root.querySelector("[data-chat-list]"));
    this.scroller = /** @type {HTMLElement} */ (root.querySelector("[data-chat-scroll]") ?? this.list);
    this.form = /** @type {HTMLFormElement | null} */ (root.querySelector("[data-chat-form]"));
    this.seq = Number(this.list.lastElementChild?.getAttribute("data-seq")) || 0;
    this.fetching = false;
    this.again = false;
    this.form?.addEventListener("submit", (event) => this.#submit(event));
    this.form?.addEventListener("keydown", (event) => this.#onKey(event));
    this.#toEnd();
  }

  /** Fetches what is newer; asked again meanwhile, it looks once more. */
  async refresh() {
    if (this.fetching) {
      this.again = true;
      return;
    }
    this.fetching = true;
    do {
      this.again = false;
      await this.#fetch().catch(() => undefined); // no connection: the next news or reconnect asks again
    } while (this.again);
    this.fetching = false;
  }

  async #fetch() {
    const answer = await fetch(`${this.url}?after=${this.seq}`, {
      headers: { Accept: "application/json", "X-Background": "1" },
    });
    if (!answer.ok) return;
    const { messages } = await answer.json();
    for (const message of messages) this.#show(message);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form?.requestSubmit();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const field = /** @type {HTMLTextAreaElement} */ (this.form?.elements.namedItem("body"));
    const body = field.value.trim();
    if (!body) return;
    field.value = "";
    const token = crypto.randomUUID();
    const row = this.#pending(body, token);
    this.#send(row, body, token);
  }

  /** @param {HTMLElement} row @param {string} body @param {string} token */
  async #send(row, body, token) {
    row.className = "message message-own message-pending";
    const data = new FormData(/** @type {HTMLFormElement} */ (this.form));
    data.set("body", body);
    data.set("token", token);
    try {
      const answer = await fetch(this.url, { method: "POST", body: data, headers: { Accept: "application/json" } });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.message);
      await this.refresh();
    } catch (error) {
      this.#failed(row, body, token, error instanceof TypeError ? "" : String(/** @type {Error} */ (error).message));
    }
  }

  /** @param {HTMLElement} row @param {string} body @param {string} token @param {string} words */
  #failed(row, body, token, words) {
    row.className = "message message-own message-failed";
    const again = element("button", { class: "button button-small", type: "button" }, icon("rotate-cw"), gettext("Send again"));
    again.addEventListener("click", () => this.#send(row, body, token));
    const head = element("div", { class: "message-head", role: "alert" }, words || gettext("Not sent: no connection."), again);
    row.querySelector(".message-head")?.replaceWith(head);
  }

  /** @param {string} body @param {string} token */
  #pending(body, token) {
    const head = element("div", { class: "message-head" }, gettext("Sending…"));
    const row = element("li", { class: "message message-own message-pending", "data-token": token }, head);
    row.append(element("div", { class: "message-body" }, body));
    this.list.append(row);
    this.#empty();
    this.#toEnd();
    return row;
  }

  /** @param {{seq: number, name: string, own: boolean, body: string, at: string, token: string}} message */
  #show(message) {
    if (message.seq <= this.seq) return;
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const following = scrollHeight - scrollTop - clientHeight < NEAR;
    this.seq = message.seq;
    const time = element("time", { datetime: message.at, "data-relative": "" });
    const head = element("div", { class: "message-head" }, element("strong", {}, message.name), time);
    const row = element("li", { class: message.own ? "message message-own" : "message", "data-seq": String(message.seq) }, head);
    row.append(element("div", { class: "message-body" }, message.body));
    if (message.token) this.list.querySelector(`[data-token="${CSS.escape(message.token)}"]`)?.remove();
    this.list.insertBefore(row, this.list.querySelector("[data-token]"));
    drawTimes(row);
    this.#empty();
    if (following || message.own) this.#toEnd();
    this.root.dispatchEvent(new CustomEvent("chat:shown", { bubbles: true, detail: message }));
  }

  #empty() {
    const empty = this.root.querySelector("[data-chat-empty]");
    if (empty instanceof HTMLElement) empty.hidden = this.list.children.length > 0;
    this.scroller.hidden = this.list.children.length === 0;
  }

  #toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}
