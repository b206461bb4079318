// @ts-check
/** Plays the frames of a series in a circle: the file's own speed times the one chosen. Space starts and stops it. */
import { element, icon } from "@/base/dom.js";
import { clamp } from "@/viewer/view.js";

const SPEEDS = [0.25, 0.5, 1, 2];
const FRAME_MS = 100; // where the file names no frame time (0018,1063)

/** @param {import("@/viewer/viewer.js").Viewer} viewer @returns {{show(): void, end(): void}} `show` after another image was opened */
export function mountCine(viewer) {
  const label = element("span");
  const play = element("button", { type: "button", class: "tool", "data-cine": "", "aria-pressed": "false" });
  const speed = /** @type {HTMLSelectElement} */ (element("select", { class: "select", "data-cine-speed": "", "aria-label": gettext("Playing speed") }));
  speed.append(...SPEEDS.map((each) => element("option", { value: String(each) }, `${each} ×`)));
  speed.value = "1";
  viewer.toolbar.bar.append(play, speed);
  let timer = 0;

  /** @type {import("@/viewer/pane.js").Pane | null} the one that plays */
  let pane = null;

  const show = () => {
    play.hidden = speed.hidden = (viewer.pane.here.series?.stack.length ?? 0) < 2 || (viewer.image?.pages ?? false);
    play.setAttribute("aria-pressed", String(timer > 0));
    if (play.dataset.cine === String(timer > 0)) return;
    play.dataset.cine = String(timer > 0);
    label.textContent = timer ? gettext("Stop") : gettext("Play");
    play.replaceChildren(icon(timer ? "pause" : "play"), label);
  };

  /** The next frame once the one before is on screen: a slow line plays slower, and drops none. */
  const step = () => {
    const { series, place } = viewer.pane.here;
    const { view } = viewer;
    if (!series || series.stack.length < 2 || !view || viewer.pane !== pane) return stop();
    if (pane.painter.drawn === pane.asked) viewer.become({ ...view, ...series.stack[(place + 1) % series.stack.length] });
    const each = clamp((viewer.image?.frameMs ?? FRAME_MS) / Number(speed.value), 16, 4000);
    timer = window.setTimeout(step, each);
  };

  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    show();
  };

  const toggle = () => {
    if (timer) return stop();
    if (play.hidden) return; // one frame, or a document
    pane = viewer.pane;
    step();
    show();
  };

  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== " " || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    toggle();
  };

  play.addEventListener("click", toggle);
  viewer.viewport.addEventListener("keydown", key);
  show();
  const end = () => {
    viewer.viewport.removeEventListener("keydown", key);
    clearTimeout(timer);
  };
  return { show, end };
}
