// @ts-check
/** A short connection to the relay before the call: does the way exist, and how long is it. */

const WITHIN = 8000;

/**
 * @param {import("@/room/signal.js").Signal} signal
 * @returns {Promise<{trip: number, path: string}>} round trip in seconds and the way in words; rejects when there is none
 */
export async function probe(signal) {
  await opened(signal);
  const pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  try {
    pc.addTransceiver("audio", { direction: "sendonly" });
    await pc.setLocalDescription(await pc.createOffer());
    const sdp = await signal.offer("probe", pc.localDescription?.sdp ?? "");
    await pc.setRemoteDescription({ type: "answer", sdp });
    await connected(pc);
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

/** @param {RTCPeerConnection} pc */
function connected(pc) {
  return within(
    new Promise((resolve, reject) => {
      pc.addEventListener("connectionstatechange", () => {
        if (pc.connectionState === "connected") resolve(undefined);
        if (pc.connectionState === "failed") reject(new Error("failed"));
      });
    }),
  );
}

/** @param {RTCPeerConnection} pc */
async function measured(pc) {
  for (let look = 0; look < 10; look += 1) {
    const rows = [...(await pc.getStats()).values()];
    const pair = rows.find((row) => row.type === "candidate-pair" && row.nominated && row.currentRoundTripTime !== undefined);
    if (pair) {
      const local = rows.find((row) => row.id === pair.localCandidateId);
      const relayed = local?.candidateType === "relay";
      const protocol = (local?.protocol ?? "udp").toUpperCase();
      return { trip: pair.currentRoundTripTime, path: relayed ? `${protocol}, TURN` : protocol };
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("no candidate pair");
}

/** @template T @param {Promise<T>} work @returns {Promise<T>} */
function within(work) {
  return Promise.race([work, new Promise((_, reject) => setTimeout(() => reject(new Error("timeout")), WITHIN))]);
}
