// Cameras, microphones, screens, and which of them to use.

import { ask, el, notify } from "./dom.js";
import { store } from "./store.js";

const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
/** Why a page may have none of them. */
const INSECURE = "Browsers open camera and microphone only over HTTPS or on localhost.";
const LABELS = { audioinput: "Microphone", videoinput: "Camera", audiooutput: "Loudspeaker" };

/** Opens the chosen device of a kind, `audio` or `video`, or another when that one is gone. */
export async function openDevice(kind) {
  const wanted = store.device(`${kind}input`);
  if (wanted) {
    try {
      return await openWith(kind, { deviceId: { exact: wanted } });
    } catch (error) {
      if (error.name !== "OverconstrainedError" && error.name !== "NotFoundError") throw error;
    }
  }
  return openWith(kind, {});
}

async function openWith(kind, which) {
  if (!navigator.mediaDevices) throw new DOMException(INSECURE, "SecurityError");
  const constraints = { ...(kind === "audio" ? AUDIO : VIDEO), ...which };
  const stream = await navigator.mediaDevices.getUserMedia({ [kind]: constraints });
  const [track] = stream.getTracks();
  if (kind === "video") track.contentHint = "motion";
  return track;
}

/** Asks for a screen or a window; resolves with its tracks, none when the user declines. */
export async function openScreen() {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: true });
    for (const track of stream.getVideoTracks()) track.contentHint = "detail";
    return stream.getTracks();
  } catch (error) {
    if (error.name !== "NotAllowedError") notify(`The screen cannot be shared: ${error.message}`, "error");
    return [];
  }
}

/** Why a device could not be opened, in words. */
export function deviceProblem(kind, error) {
  const what = kind === "audio" ? "microphone" : "camera";
  switch (error.name) {
    case "NotAllowedError":
      return `This page may not use your ${what}. Allow it in the browser's address bar.`;
    case "NotFoundError":
      return `No ${what} was found.`;
    case "SecurityError":
      return error.message;
    case "NotReadableError":
      return `Your ${what} is in use by another program.`;
    default:
      return `Your ${what} cannot be opened: ${error.message}`;
  }
}

/** Selects for the kinds of devices; `changed` is called with the kind that was chosen anew. */
export async function deviceFields(kinds, changed) {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const fields = [];
  for (const kind of kinds) {
    const list = devices.filter((device) => device.kind === kind && device.deviceId);
    if (list.length === 0 || (kind === "audiooutput" && !("setSinkId" in HTMLMediaElement.prototype))) continue;
    const options = list.map((device, index) =>
      el("option", { value: device.deviceId, selected: device.deviceId === store.device(kind) },
        device.label || `${LABELS[kind]} ${index + 1}`));
    const select = el("select", { onchange: () => {
      store.setDevice(kind, select.value);
      changed(kind);
    } }, options);
    fields.push(el("label", { class: "field" }, LABELS[kind], select));
  }
  return fields;
}

/** The dialog for choosing devices during a call. */
export async function chooseDevices(kinds, changed) {
  const fields = await deviceFields(kinds, changed);
  const content = fields.length > 0 ? fields : [el("p", {}, "No devices were found.")];
  await ask("Devices", content, [["done", "Done", "primary"]]).closed;
}
