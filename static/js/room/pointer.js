// @ts-check
/** Lets the image viewer live beside the call: passes `pointer` and `view` to the others, and theirs to it. */

const EVERY = 80; // at most 12 a second leave: the site takes 20 of everything

/**
 * `room:share` with a message in `detail` on anything inside the room is sent; messages of others come as
 * `room:pointer` and `room:view` on the document, with `by` and `name`.
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
  for (const kind of ["pointer", "view"]) {
    signal.addEventListener(kind, (event) => {
      const message = /** @type {CustomEvent} */ (event).detail;
      const name = call.people.find((person) => person.username === message.by)?.name ?? message.by;
      document.dispatchEvent(new CustomEvent(`room:${kind}`, { detail: { ...message, name } }));
    });
  }
}
