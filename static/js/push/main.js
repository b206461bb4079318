// @ts-check
/** "How I am reached": allows this browser to be woken, and plays the sound. */
import { csrf } from "@/base/dom.js";
import { once as playOnce, unlock } from "@/base/ringing.js";

const root = document.querySelector("[data-push]");
const said = document.querySelector("[data-push-said]");

document.querySelector("[data-test-sound]")?.addEventListener("click", async () => {
  await unlock();
  playOnce();
});
document.querySelector("[data-push-button]")?.addEventListener("click", allow);

/** @param {string} words */
function say(words) {
  if (said) said.textContent = words;
}

async function allow() {
  if (!(root instanceof HTMLElement)) return;
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return say(gettext("This browser cannot be woken."));
  if ((await Notification.requestPermission()) !== "granted") {
    return say(gettext("The browser refused. Allow notifications for this site in its settings, then try again."));
  }
  try {
    const registered = await navigator.serviceWorker.register(root.dataset.pushWorker ?? "", { scope: "/" });
    await navigator.serviceWorker.ready;
    const key = Uint8Array.from(atob((root.dataset.push ?? "").replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const made = await registered.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    await keep(made.toJSON(), root.dataset.pushAllow ?? "");
  } catch (error) {
    say(`${gettext("The browser's push service cannot be reached.")} ${error instanceof Error ? error.message : ""}`);
  }
}

/** @param {PushSubscriptionJSON} made @param {string} url */
async function keep(made, url) {
  const body = new URLSearchParams({ endpoint: made.endpoint ?? "", point: made.keys?.p256dh ?? "", auth: made.keys?.auth ?? "" });
  const answer = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": csrf(), Accept: "application/json" } });
  if (answer.ok) location.reload();
  else say((await answer.json()).message ?? gettext("It was not kept."));
}
