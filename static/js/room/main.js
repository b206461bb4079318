// @ts-check
/** Starts the room page: the device check, then the call; after a reload the call at once. */
import { ring } from "@/base/news.js";
import { Signal } from "@/room/signal.js";
import { ways } from "@/room/ice.js";
import { Call } from "@/room/call.js";
import { Devices } from "@/room/devices.js";
import { Check } from "@/room/check.js";
import { Equipment } from "@/room/equipment.js";
import { Far } from "@/room/far.js";
import { Notices } from "@/room/notices.js";
import { Own } from "@/room/own.js";
import { Banners } from "@/room/banner.js";
import { Panel } from "@/room/panel.js";
import { Chat } from "@/room/chat.js";
import { Scene } from "@/room/scene.js";
import { Stills } from "@/room/still.js";
import { Tile } from "@/room/tiles.js";
import { startControls } from "@/room/controls.js";
import { startLines } from "@/room/lines.js";
import { startViewer } from "@/room/pointer.js";
import { startClock } from "@/room/clock.js";
import { startWeak } from "@/room/weak.js";
import { startRecorded } from "@/room/recorded.js";
import { startOpinion } from "@/consult/opinion.js";

const root = /** @type {HTMLElement} */ (document.querySelector("[data-room]"));
const { consultation = "", socket = "", messagesUrl = "", back = "/", me = "", name = "" } = root.dataset;
/** @param {string} selector */
const find = (selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
/** @type {import("@/room/sums.js").Sums | undefined} */
let sums;
const inCall = `room.${consultation}.in-call`;

const signal = new Signal(socket);
const devices = new Devices();
const call = new Call(signal);
const own = new Own(call, devices);
const banners = new Banners(find("[data-banners]"));
const equipment = new Equipment(root, call, own, banners);
const notices = new Notices(find("[data-notices]"));
new Stills(root, call, devices, notices, me);
new Far(root, call, own, notices);
Tile.mayMove = root.dataset.side === "answering";
const panel = new Panel(find("[data-side]"), /** @type {HTMLButtonElement} */ (find("[data-control=panel]")));
const chat = new Chat(find("[data-chat]"), {
  url: messagesUrl,
  key: `room.${consultation}.${me}.message`,
  onTyping: () => signal.send({ t: "typing", where: "chat" }),
});

/** @param {{mic: boolean, camera: boolean}} wish */
async function enter(wish) {
  sessionStorage.setItem(inCall, "1");
  find("[data-check]").hidden = true;
  find("[data-call]").hidden = false;
  const scene = new Scene(root, call, own, equipment, banners, { username: me, name });
  startLines(call, own, banners, scene, back);
  startWeak(root, call, banners);
  startControls(root, { own, panel, leave, equipment });
  startViewer(root, call, signal);
  startClock(root);
  startRecorded(root);
  call.join({ mic: wish.mic, cam: wish.camera });
  scene.draw();
  sums = scene.sums;
  await own.start(wish);
  await equipment.start();
  find("[data-control=mic]").focus({ preventScroll: true });
}

function leave() {
  sessionStorage.removeItem(inCall);
  sums?.tell();
  call.leave();
  own.stop();
  equipment.stop();
  signal.close();
  location.assign(back);
}

signal.addEventListener("news", (event) => {
  const { kind, seq, mark } = /** @type {CustomEvent} */ (event).detail;
  if (kind === "message") chat.refresh();
  ring({ kind, seq, mark, consultation: Number(consultation) });
});
signal.addEventListener("ice", (event) => ways.take(/** @type {CustomEvent} */ (event).detail));
signal.addEventListener("joined", () => {
  chat.refresh();
  ring({ kind: "annotation" }); // what came while the line was away
});
signal.addEventListener("typing", (event) => {
  const { by, where } = /** @type {CustomEvent} */ (event).detail;
  if (where === "chat") chat.showTyping(call.people.find((person) => person.username === by)?.name ?? by);
});
root.addEventListener("room:viewing", () => panel.giveWay());
addEventListener("pagehide", () => signal.send({ t: "leave" }));

// Signed: the editor gives way to the version. At no other act: typed text is never swapped away.
document.body.addEventListener("htmx:afterRequest", (event) => {
  const { pathInfo, xhr, requestConfig } = /** @type {any} */ (event).detail;
  const done = requestConfig.verb === "post" && xhr.status === 204 && /\/opinion\/(sign|amend)\/$/.test(pathInfo.requestPath);
  const editor = root.querySelector("[data-editor]");
  if (done && editor) htmx.trigger(editor, "refetch");
});

document.querySelector("[data-stale]")?.remove(); // the room has words of its own for a lost line
startOpinion();
signal.connect();
chat.refresh();
if (sessionStorage.getItem(inCall)) {
  enter({ mic: devices.kept.micOn ?? true, camera: devices.kept.cameraOn ?? true });
} else {
  find("[data-check]").hidden = false;
  new Check(find("[data-check]"), devices, signal, enter).start();
}
