// @ts-check
/** The drawn signature: a canvas that keeps its strokes when it changes size, and puts a PNG into the form. */
import SignaturePad from "@vendor/signature_pad.js";

/** @param {HTMLFormElement} form */
function startPad(form) {
  const canvas = /** @type {HTMLCanvasElement} */ (form.querySelector("[data-pad]"));
  const undo = /** @type {HTMLButtonElement} */ (form.querySelector("[data-pad-undo]"));
  const clear = /** @type {HTMLButtonElement} */ (form.querySelector("[data-pad-clear]"));
  const drawn = /** @type {HTMLInputElement} */ (form.elements.namedItem("drawn"));
  const pad = new SignaturePad(canvas, { penColor: "#10202b", minWidth: 1, maxWidth: 3 });

  const keep = () => {
    const empty = pad.isEmpty();
    undo.disabled = clear.disabled = empty;
    drawn.value = empty ? "" : pad.toDataURL("image/png");
  };
  let fitted = "";
  /** To the size it is shown in. Not again to the same: that would cut the stroke that is being drawn. */
  const fit = () => {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const size = `${canvas.offsetWidth} ${canvas.offsetHeight} ${ratio}`;
    if (!canvas.offsetWidth || size === fitted) return;
    fitted = size;
    const strokes = pad.toData();
    canvas.width = canvas.offsetWidth * ratio;
    canvas.height = canvas.offsetHeight * ratio;
    canvas.getContext("2d")?.scale(ratio, ratio);
    pad.clear();
    pad.fromData(strokes);
    keep();
  };

  pad.addEventListener("endStroke", keep);
  undo.addEventListener("click", () => {
    pad.fromData(pad.toData().slice(0, -1));
    keep();
  });
  clear.addEventListener("click", () => {
    pad.clear();
    keep();
  });
  new ResizeObserver(fit).observe(canvas);
  fit();
}

for (const form of document.querySelectorAll("form[data-signature-form]")) startPad(/** @type {HTMLFormElement} */ (form));
