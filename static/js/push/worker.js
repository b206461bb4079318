// @ts-check
/** The service worker: shows what the site pushed, and leads to it. It keeps and fetches nothing. */
const scope = /** @type {any} */ (self);

scope.addEventListener("install", () => scope.skipWaiting());
scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener("push", (/** @type {any} */ event) => {
  const { title, body, url, tag } = event.data.json();
  event.waitUntil(scope.registration.showNotification(title, { body, tag, data: { url }, requireInteraction: true }));
});

scope.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(lead(event.notification.data.url));
});

/** To an open page of the site, or a new one. @param {string} url */
async function lead(url) {
  const open = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  const target = new URL(url, scope.location.origin).href;
  const same = open.find((/** @type {any} */ client) => client.url === target);
  return same ? same.focus() : scope.clients.openWindow(target);
}
