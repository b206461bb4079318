// @ts-check
/**
 * The viewer on the stage of a call. A thumbnail opens it; when another person opens an image it opens too, unless this
 * person has closed that very image. Speaks with the room by events: `room:share`, `room:viewer` (started) and `room:viewing` (opened) out,
 * `room:view`, `room:pointer`, `room:follow` and `room:people` in.
 */
import { element } from "@/base/dom.js";
import { toast } from "@/base/toasts.js";
import { mountViewer } from "@/viewer/mount.js";

const room = /** @type {HTMLElement | null} */ (document.querySelector("[data-room]"));
/** @type {ReturnType<typeof mountViewer> | null} */
let viewer = null;
/** @type {HTMLElement | null} */
let holder = null;
/** The image last on show, and the one this person closed. */
let shown = 0;
let closed = 0;
/** @type {unknown[]} */
let people = [];
/** @type {Map<string, string>} */
const names = new Map();

/** @param {number} image @param {number} frame @param {boolean} lead this person opened it: the others come along */
function open(image, frame, lead) {
  const stage = room?.querySelector("[data-stage]");
  const tiles = stage?.querySelector("[data-stage-main]");
  if (!room || !stage || !tiles) return;
  shown = image;
  closed = 0;
  if (lead || !viewer) room.dispatchEvent(new CustomEvent("room:viewing"));
  if (viewer) return viewer.open(image, frame);
  holder = element("section", { "aria-label": gettext("Image viewer"), "data-stage-viewer": "" });
  tiles.before(holder);
  stage.classList.add("stage-with-image");
  viewer = mountViewer(holder, {
    consultation: Number(room.dataset.consultation),
    you: room.dataset.me ?? "",
    image,
    frame,
    lead,
    send: (message) => {
      if (message.t === "view") shown = message.image;
      room.dispatchEvent(new CustomEvent("room:share", { detail: message }));
    },
    nameOf: (username) => names.get(username) ?? username,
    close,
  });
  viewer.receive({ t: "people", people });
}

function close() {
  viewer?.destroy();
  holder?.remove();
  viewer = holder = null;
  closed = shown;
  room?.querySelector("[data-stage]")?.classList.remove("stage-with-image");
}

/** @param {any} message */
function hear(message) {
  if (message.t === "people") people = message.people;
  else names.set(message.by, message.name ?? message.by);
  if (viewer && message.t === "view") shown = message.image;
  if (!viewer && message.t === "view") {
    if (closed === message.image) return;
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
  for (const t of ["view", "pointer", "follow", "people"]) {
    document.addEventListener(`room:${t}`, (event) => hear({ t, .../** @type {CustomEvent} */ (event).detail }));
  }
  room.dispatchEvent(new CustomEvent("room:viewer"));
}
