// @ts-check
/** The way into three planes of a series: a button, and the mode itself, fetched only when it is wanted. */
import { element, icon } from "@/base/dom.js";
import { toast } from "@/base/toasts.js";
import { windowOf } from "@/viewer/view.js";
import { volumeOf } from "@/volume/geometry.js";
import { beginning } from "@/volume/state.js";

const WHY = {
  few: () => gettext("Three planes need a series of at least 8 images."),
  kind: () => gettext("Three planes need grey images with values."),
  place: () => gettext("The files do not say where these images lie."),
  sizes: () => gettext("The images of this series are not of one size."),
  ways: () => gettext("The images of this series do not lie the same way."),
  gaps: () => gettext("The images of this series are not equally spaced; one may be missing."),
  tilted: () => gettext("The images of this series are tilted against their stack."),
};

/** @param {import("@/viewer/viewer.js").Viewer} viewer */
export function mountMpr(viewer) {
  /** @type {import("@/volume/mode.js").Mode | null} */
  let mode = null;
  let wanted = ""; // key of the volume that is open, or on its way
  let refused = false; // this device cannot
  const known = { about: "", found: volumeOf([]) };
  const button = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: "tool", "data-mpr-open": "" }, icon("box"), "MPR"));
  button.addEventListener("click", () => toggle());
  viewer.toolbar.panes.append(button);

  /** Of the series in the active pane. */
  const found = () => {
    const images = viewer.pane.here.series?.images ?? [];
    const about = images.map((image) => `${image.pk}:${image.state}`).join();
    if (about !== known.about) Object.assign(known, { about, found: volumeOf(images) });
    return known.found;
  };

  const toggle = () => {
    const { view, image } = viewer;
    const { geometry, reason } = found();
    if (!view || !image) return;
    if (view.mpr) return viewer.become({ ...view, mpr: null });
    if (!geometry || !hasWebGL()) return toast(reason ? WHY[reason]() : noWebGL(), { tone: "warn" });
    viewer.become({ ...view, preset: "", ...(windowOf(view, image) ?? {}), mpr: beginning(geometry) });
  };

  const close = () => {
    mode?.destroy();
    mode = null;
    wanted = "";
  };

  /** @param {import("@/volume/geometry.js").Geometry} geometry */
  const open = async (geometry) => {
    close();
    wanted = geometry.key;
    const { Mode } = await import("@/volume/mode.js");
    if (wanted !== geometry.key || mode) return;
    mode = new Mode(viewer, geometry, toggle);
    mode.show();
  };

  const show = () => {
    const { geometry, reason } = found();
    button.hidden = reason === "few";
    button.title = reason ? WHY[reason]() : gettext("Three planes through this series");
    button.setAttribute("aria-disabled", String(reason !== ""));
    if (!viewer.view?.mpr || !geometry) return close();
    if (wanted === geometry.key) return mode?.show();
    if (hasWebGL()) {
      open(geometry);
    } else if (!refused) {
      refused = true;
      toast(noWebGL(), { tone: "warn" });
    }
  };

  return {
    show,
    toggle,
    end: close,
    get isOpen() {
      return mode !== null;
    },
    /** Where words about the others belong. */
    get box() {
      return mode?.planes[0].box ?? viewer.pane.box;
    },
    get cuts() {
      return mode?.cuts ?? null;
    },
  };
}

function noWebGL() {
  return gettext("This device cannot draw three planes (no WebGL). The usual view stays.");
}

function hasWebGL() {
  const made = document.createElement("canvas").getContext("webgl2");
  made?.getExtension("WEBGL_lose_context")?.loseContext();
  return made !== null;
}
