// @ts-check
/** One picture of a camera as large as it gives, taken at the camera's own track. */

const PATIENCE = 4000;

/**
 * The camera's own photo where it makes one, else the newest frame of the track.
 * @param {MediaStreamTrack} track @returns {Promise<Blob>} JPEG or PNG; rejects when there is no picture
 */
export async function grab(track) {
  const Capture = /** @type {any} */ (globalThis).ImageCapture;
  if (Capture) {
    try {
      return await within(photo(new Capture(track), track));
    } catch (error) {
      console.info("no photo, taking a frame:", error); // many cameras make none
    }
  }
  return within(frame(track));
}

/** @param {any} capture @param {MediaStreamTrack} track @returns {Promise<Blob>} */
async function photo(capture, track) {
  const { imageWidth, imageHeight } = await capture.getPhotoCapabilities();
  const larger = (imageWidth?.max ?? 0) > (track.getSettings().width ?? 0);
  return capture.takePhoto(larger ? { imageWidth: imageWidth.max, imageHeight: imageHeight.max } : {});
}

/** @param {MediaStreamTrack} track @returns {Promise<Blob>} */
async function frame(track) {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = new MediaStream([track]);
  await video.play();
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  video.srcObject = null;
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", 0.95);
  });
}

/** @template T @param {Promise<T>} work @returns {Promise<T>} */
function within(work) {
  return Promise.race([work, new Promise((_, reject) => setTimeout(() => reject(new Error("timeout")), PATIENCE))]);
}
