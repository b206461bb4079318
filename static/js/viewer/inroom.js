// @ts-check
/**
 * The viewer on the stage of a call. A thumbnail opens it; when another person opens an image it opens too, until this
 * person closes it. Speaks with the room by events: `room:share` out, `room:view` and `room:pointer` in.
 */
import { element } from "@/base/dom.js";
import { toast } from "@/base/toasts.js";
import { mountViewer } from "@/viewer/viewer.js";

const room = /** @type {HTMLElement | null} */ (document.querySelector("[data-room]"));
/** @type {ReturnType<typeof mountViewer> | null} */
let viewer = null;
/** @type {HTMLElement | null} */
let holder = null;
let closedByHand = false;
/** @type {Map<string, string>} */
const names = new Map();

/** @param {number} image @param {number} frame @param {boolean} lead this person opened it: the others come along */
function open(image, frame, lead) {
  const stage = room?.querySelector("[data-stage]");
  const people = stage?.querySelector("[data-stage-main]");
  if (!room || !stage || !people) return;
  closedByHand = false;
  if (viewer) return viewer.open(image, frame);
  holder = element("section", { "aria-label": gettext("Image viewer"), "data-stage-viewer": "" });
  people.before(holder);
  stage.classList.add("stage-with-image");
  viewer = mountViewer(holder, {
    consultation: Number(room.dataset.consultation),
    you: room.dataset.me ?? "",
    image,
    frame,
    lead,
    send: (message) => room.dispatchEvent(new CustomEvent("room:share", { detail: message })),
    nameOf: (username) => names.get(username) ?? username,
    close,
  });
}

function close() {
  viewer?.destroy();
  holder?.remove();
  viewer = holder = null;
  closedByHand = true;
  room?.querySelector("[data-stage]")?.classList.remove("stage-with-image");
}

/** @param {any} message */
function hear(message) {
  names.set(message.by, message.name ?? message.by);
  if (!viewer && message.t === "view") {
    if (closedByHand) return;
    open(message.image, message.frame, false);
    toast(interpolate(gettext("%(name)s shows an image"), { name: names.get(message.by) }, true));
  }
  viewer?.receive(message);
}

if (room && !room.dataset.viewerStarted) {
  room.dataset.viewerStarted = "yes";
  room.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-image]") : null;
    if (!(link instanceof HTMLElement) || event.defaultPrevented) return;
    event.preventDefault();
    open(Number(link.dataset.image), 0, true);
  });
  for (const t of ["view", "pointer"]) {
    document.addEventListener(`room:${t}`, (event) => hear({ t, .../** @type {CustomEvent} */ (event).detail }));
  }
}
