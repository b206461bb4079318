// @ts-check
/** Lets the image viewer live beside the call: passes `pointer` and `view` to the others, and theirs to it. */

const EVERY = 80; // at most 12 a second leave: the site takes 20 of everything

/**
 * `room:share` with a message in `detail` on anything inside the room is sent; messages of others come as
 * `room:pointer`, `room:view` and `room:follow` on the document, with `by` and `name`, and who is here as `room:people`.
 * The viewer may start later than the call: on `room:viewer` it is told again what it missed.
 * @param {HTMLElement} root @param {import("@/room/call.js").Call} call @param {import("@/room/signal.js").Signal} signal
 */
export function startViewer(root, call, signal) {
  /** @type {Map<string, Record<string, unknown>>} the newest of each kind that waits */
  const waiting = new Map();
  let timer = 0;
  const flush = () => {
    timer = 0;
    for (const message of waiting.values()) signal.send(message);
    if (waiting.size) timer = window.setTimeout(flush, EVERY);
    waiting.clear();
  };
  root.addEventListener("room:share", (event) => {
    const message = /** @type {CustomEvent} */ (event).detail;
    if (!call.joined) return;
    waiting.set(message.t, message);
    if (!timer) flush();
  });
  /** @param {string} kind @param {Record<string, unknown>} detail */
  const tell = (kind, detail) => document.dispatchEvent(new CustomEvent(`room:${kind}`, { detail }));
  /** @type {Record<string, unknown> | null} */
  let newest = null;
  /** @type {Map<unknown, Record<string, unknown>>} */
  const following = new Map();
  for (const kind of ["pointer", "view", "follow"]) {
    signal.addEventListener(kind, (event) => {
      const message = /** @type {CustomEvent} */ (event).detail;
      const name = call.people.find((person) => person.username === message.by)?.name ?? message.by;
      if (kind === "view") newest = { ...message, name };
      if (kind === "follow") following.set(message.by, { ...message, name });
      tell(kind, { ...message, name });
    });
  }
  call.addEventListener("people", () => tell("people", { people: call.people }));
  root.addEventListener("room:viewer", () => {
    tell("people", { people: call.people });
    for (const message of following.values()) tell("follow", message);
    if (newest) tell("view", newest);
  });
}
