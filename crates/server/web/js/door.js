// The door of a room: one's name, a look in the mirror, and then in.

import { deviceFields, deviceProblem, openDevice } from "./devices.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { canEncrypt } from "./encryption.js";
import { store } from "./store.js";

/**
 * Shows the door. Resolves with `{ name, passphrase, viewer, tracks }` when the user comes in;
 * `tracks` by kind are open and may be muted. `options`: produce, passphrase, problem, room.
 */
export function showDoor(root, { room, produce, passphrase, encrypted, problem }) {
  const media = { audio: null, video: null };
  const wanted = { audio: produce, video: produce };
  const video = el("video", { autoplay: true, playsInline: true, muted: true });
  video.muted = true;
  const nothing = el("div", { class: "nothing muted" });
  const buttons = {
    audio: el("button", { class: "round", type: "button", onclick: () => toggle("audio") }),
    video: el("button", { class: "round", type: "button", onclick: () => toggle("video") }),
  };
  const fields = el("div", { class: "stack" });
  const name = el("input", { type: "text", required: true, maxLength: 64, autocomplete: "name", value: store.name, placeholder: "What others call you" });
  const secret = el("input", { type: "password", value: passphrase ?? "", autocomplete: "off", placeholder: "Agreed on outside of this server" });
  const secretField = el("label", { class: "field", hidden: !(encrypted || passphrase) || !canEncrypt }, "Passphrase of the room", secret);

  const show = () => {
    for (const kind of ["audio", "video"]) {
      const isOn = Boolean(media[kind]);
      const what = kind === "audio" ? "microphone" : "camera";
      buttons[kind].replaceChildren(icon(isOn ? what : `${what}-off`));
      buttons[kind].setAttribute("aria-label", isOn ? `Turn the ${what} off` : `Turn the ${what} on`);
      buttons[kind].title = buttons[kind].getAttribute("aria-label");
    }
    video.srcObject = media.video ? new MediaStream([media.video]) : null;
    video.hidden = !media.video;
    nothing.hidden = Boolean(media.video);
  };
  const open = async (kind) => {
    if (!navigator.mediaDevices) {
      nothing.textContent = "Browsers open camera and microphone only over HTTPS or on localhost.";
      return;
    }
    try {
      media[kind] = await openDevice(kind);
    } catch (error) {
      nothing.textContent = deviceProblem(kind, error);
    }
    show();
  };
  const close = (kind) => {
    media[kind]?.stop();
    media[kind] = null;
    show();
  };
  const toggle = (kind) => (media[kind] ? close(kind) : open(kind));
  const refreshFields = async () => {
    fields.replaceChildren(...await deviceFields(["videoinput", "audioinput", "audiooutput"], (kind) => {
      if (kind === "audiooutput") return;
      const input = kind === "audioinput" ? "audio" : "video";
      close(input);
      open(input);
    }));
  };

  return new Promise((resolve) => {
    const enter = (viewer) => {
      if (!form.reportValidity()) return;
      store.name = name.value.trim();
      if (viewer) ["audio", "video"].forEach(close);
      resolve({ name: store.name, passphrase: secretField.hidden ? "" : secret.value, viewer, tracks: media });
    };
    const form = el("form", { onsubmit: (event) => {
      event.preventDefault();
      enter(!produce);
    } },
    el("h1", {}, "Ready to come in?"),
    problem ? el("p", { class: "notice error" }, problem) : el("p", { class: "muted ellipsis" }, room),
    el("label", { class: "field" }, "Your name", name),
    secretField,
    produce ? fields : null,
    el("div", { class: "row wrap" },
      el("button", { class: "primary grow", type: "submit" }, produce ? "Come in" : "Come in to watch"),
      produce ? el("button", { type: "button", onclick: () => enter(true) }, icon("eye"), "Only watch") : null));
    root.replaceChildren(el("main", { class: "door" },
      produce ? el("div", { class: "preview" }, video, nothing, el("div", { class: "toggles" }, buttons.audio, buttons.video)) : el("div", {}),
      form));
    show();
    if (!store.name) name.focus();
    if (produce) {
      // One question of the browser for both where it can; each may fail alone.
      Promise.all(["audio", "video"].filter((kind) => wanted[kind]).map(open)).then(refreshFields);
    }
  });
}
