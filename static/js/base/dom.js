// @ts-check
/** Making elements without innerHTML. */

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * The same icon as the template tag `{% icon %}`.
 * @param {string} name one of static/icons/names.txt
 * @param {string} [css]
 * @returns {SVGSVGElement}
 */
export function icon(name, css = "") {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", `icon ${css}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${document.body.dataset.icons ?? ""}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Whether keys typed at this target are text.
 * @param {EventTarget | null} target
 */
export function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** What every request that changes something carries (Django's CSRF protection). */
export function csrf() {
  return String(JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] ?? "");
}
