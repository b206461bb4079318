// @ts-check
/** A short connection to the relay before the call: does the way exist, and how long is it. */

import { ways } from "@/room/ice.js";

const WITHIN = 8000;
const DIRECT_WITHIN = 4000; // then it is blocked, and the TURN server is tried

/** @typedef {"udp" | "tcp" | "turn-udp" | "turn-tcp" | "turn-tls"} Way */

/**
 * @param {import("@/room/signal.js").Signal} signal
 * @returns {Promise<{trip: number, way: Way}>} round trip in seconds and the way a call would take; rejects when there is none
 */
export async function probe(signal) {
  await opened(signal);
  if (!ways.known) await within(new Promise((resolve) => ways.addEventListener("renewed", resolve, { once: true })));
  if (!ways.any || ways.onlyTurn) return attempt(signal, ways.configuration, WITHIN);
  const direct = { ...ways.configuration, iceServers: [] };
  return attempt(signal, direct, DIRECT_WITHIN).catch(() => attempt(signal, ways.configuration, WITHIN));
}

/**
 * @param {import("@/room/signal.js").Signal} signal @param {RTCConfiguration} configuration @param {number} patience
 * @returns {Promise<{trip: number, way: Way}>}
 */
async function attempt(signal, configuration, patience) {
  const pc = new RTCPeerConnection(configuration);
  try {
    pc.addTransceiver("audio", { direction: "sendonly" });
    await pc.setLocalDescription(await pc.createOffer());
    const sdp = await signal.offer("probe", pc.localDescription?.sdp ?? "");
    await pc.setRemoteDescription({ type: "answer", sdp });
    await connected(pc, patience);
    return await measured(pc);
  } finally {
    pc.close();
  }
}

/** @param {import("@/room/signal.js").Signal} signal */
function opened(signal) {
  if (signal.isOpen) return Promise.resolve();
  return within(new Promise((resolve) => signal.addEventListener("open", resolve, { once: true })));
}

/** @param {RTCPeerConnection} pc @param {number} patience */
function connected(pc, patience) {
  return within(
    new Promise((resolve, reject) => {
      pc.addEventListener("connectionstatechange", () => {
        if (pc.connectionState === "connected") resolve(undefined);
        if (pc.connectionState === "failed") reject(new Error("failed"));
      });
    }),
    patience,
  );
}

/** @param {RTCPeerConnection} pc @returns {Promise<{trip: number, way: Way}>} */
async function measured(pc) {
  for (let look = 0; look < 10; look += 1) {
    const rows = [...(await pc.getStats()).values()];
    const chosen = rows.find((row) => row.type === "transport")?.selectedCandidatePairId;
    const pairs = rows.filter((row) => row.type === "candidate-pair" && row.nominated && row.currentRoundTripTime !== undefined);
    const pair = pairs.find((row) => row.id === chosen) ?? pairs[0];
    if (pair) {
      const local = rows.find((row) => row.id === pair.localCandidateId);
      const way = local?.candidateType === "relay" ? `turn-${local.relayProtocol ?? "udp"}` : (local?.protocol ?? "udp");
      return { trip: pair.currentRoundTripTime, way: /** @type {Way} */ (way) };
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("no candidate pair");
}

/** @template T @param {Promise<T>} work @param {number} [patience] @returns {Promise<T>} */
function within(work, patience = WITHIN) {
  return Promise.race([work, new Promise((_, reject) => setTimeout(() => reject(new Error("timeout")), patience))]);
}
