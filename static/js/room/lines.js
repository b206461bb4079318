// @ts-check
/** Says in words what is wrong with the call and what happens next. */
import { toast } from "@/base/toasts.js";
import { gone } from "@/room/trouble.js";

/**
 * @param {import("@/room/call.js").Call} call @param {import("@/room/own.js").Own} own
 * @param {import("@/room/banner.js").Banners} banners @param {import("@/room/scene.js").Scene} scene @param {string} back
 */
export function startLines(call, own, banners, scene, back) {
  /** @param {EventTarget} source @param {string} name @param {(detail: any) => void} act */
  const on = (source, name, act) => source.addEventListener(name, (event) => act(/** @type {CustomEvent} */ (event).detail));
  let away = 0;

  on(call, "line", (state) => {
    clearTimeout(away);
    if (state === "open") banners.lower("line");
    else {
      // A line that is back within a second is not worth a word.
      away = window.setTimeout(() => {
        banners.raise("line", { icon: "wifi-off", tone: "danger", text: gettext("Connection to the site lost. Reconnecting; the call goes on if it can.") });
      }, 1000);
    }
  });
  on(call, "relay", (state) => {
    if (state === "ready") banners.lower("relay");
    else banners.raise("relay", { icon: "refresh-cw", tone: "danger", text: gettext("The media relay is away. The call comes back by itself.") });
  });
  on(call, "media", (state) => {
    if (state === "connected") banners.lower("media");
    else if (state === "disconnected" || state === "failed") {
      banners.raise("media", { icon: "wifi-off", text: gettext("Picture and sound are interrupted. Finding a new way.") });
    }
  });
  on(call, "elsewhere", ({ message }) => {
    const act = () => {
      banners.lower("elsewhere");
      call.join({ mic: own.on.mic, cam: own.on.camera });
    };
    banners.raise("elsewhere", { icon: "monitor", text: message, verb: gettext("Take it here"), act });
  });
  on(call, "over", (code) => {
    if (code === 4401) {
      location.reload(); // to the sign-in page and back
      return;
    }
    own.stop();
    const act = () => location.assign(back);
    const text = gettext("This call is not open to you any more.");
    banners.raise("over", { icon: "lock", tone: "danger", text, verb: gettext("Back to the consultation"), act });
  });
  on(call, "refused", ({ code, message, to }) => {
    if (to === "join" && code === "room_full") banners.raise("over", { icon: "users", tone: "danger", text: message });
    else if (to === "join" && code === "relay_full") {
      const act = () => {
        banners.lower("full");
        call.join({ mic: own.on.mic, cam: own.on.camera });
      };
      banners.raise("full", { icon: "users", tone: "danger", text: message, verb: gettext("Try again"), act });
    }
    else if (to !== "offer" && to !== "probe") scene.announce(message);
  });
  on(own, "unshared", () => toast(gettext("Screen sharing has ended.")));
  on(own, "gone", ({ kind, next }) => {
    const act = () => {
      banners.lower(kind);
      if (next) own.take(kind, next.deviceId);
      else own.set(kind, true);
    };
    const verb = next ? interpolate(gettext("Use %(name)s"), { name: next.label }, true) : gettext("Try again");
    banners.raise(kind, { icon: kind === "mic" ? "mic-off" : "camera-off", tone: "danger", text: gone(kind), verb, act });
  });
  on(own.devices, "quiet", ({ kind, quiet }) => {
    if (kind !== "mic" && kind !== "camera") return;
    const words = kind === "mic"
      ? gettext("Nobody hears you: the microphone is muted by its own switch or by the computer.")
      : gettext("Nobody sees you: the camera is covered by its own switch or stopped by the computer.");
    if (quiet && own.on[/** @type {"mic" | "camera"} */ (kind)]) banners.raise(kind, { icon: kind === "mic" ? "mic-off" : "camera-off", text: words });
    else banners.lower(kind);
  });
  on(own, "problem", ({ name, words }) => {
    if (!words) {
      banners.lower(name);
      return;
    }
    const again = () => {
      banners.lower(name);
      if (name !== "share") own.set(name, true);
    };
    const symbol = name === "mic" ? "mic-off" : name === "camera" ? "camera-off" : "monitor-off";
    const verb = name === "share" ? gettext("Close") : gettext("Try again");
    banners.raise(name, { icon: symbol, text: words, verb, act: again });
  });
}
