// The door of a room: what the room is, one's name, a look in the mirror, and then in.

import { deviceFields, deviceProblem, openDevice } from "./devices.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { canEncrypt } from "./encryption.js";
import { store } from "./store.js";
import { granted } from "./token.js";

/**
 * Shows the door. Resolves with `{ name, passphrase, viewer, tracks }` when the user comes in;
 * `tracks` by kind are open, or promises of those that the browser still asks about. `options`:
 * room, info (what the server says of the room, if it exists), produce, passphrase, encrypted,
 * problem.
 */
export function showDoor(root, { room, info, produce, passphrase, encrypted, problem }) {
  const mirror = produce ? new Mirror() : null;
  const name = el("input", {
    type: "text",
    required: true,
    maxLength: 64,
    autocomplete: "name",
    value: store.name,
    readOnly: Boolean(granted.name),
    placeholder: "What others call you",
  });
  const secret = el("input", { type: "password", value: passphrase, autocomplete: "off", placeholder: "Agreed on outside of this server" });
  const secretField = el("label", { class: "field", hidden: !encrypted || !canEncrypt }, "Passphrase of the room", secret);

  return new Promise((resolve) => {
    const enter = (viewer) => {
      if (!form.reportValidity()) return;
      store.name = name.value.trim();
      const tracks = viewer ? mirror?.close() ?? {} : mirror.handOver();
      resolve({ name: store.name, passphrase: secretField.hidden ? "" : secret.value, viewer, tracks });
    };
    const form = el("form", { onsubmit: (event) => {
      event.preventDefault();
      enter(!produce);
    } },
    el("h1", { class: "breakable" }, info?.name ?? "Ready to come in?"),
    el("p", { class: "muted breakable" }, describe(info, room)),
    problem ? el("p", { class: "notice error", role: "alert" }, problem) : null,
    el("label", { class: "field" }, "Your name", name),
    secretField,
    mirror?.fields,
    el("div", { class: "row wrap" },
      el("button", { class: "primary grow", type: "submit" }, produce ? "Come in" : "Come in to watch"),
      produce ? el("button", { type: "button", onclick: () => enter(true) }, icon("eye"), "Only watch") : null));
    root.replaceChildren(el("main", { class: produce ? "door" : "door narrow" }, mirror?.element, form));
    document.title = `${info?.name ?? room} – Tureen`;
    (store.name ? form.querySelector("[type=submit]") : name).focus();
    mirror?.open();
  });
}

function describe(info, room) {
  if (!info) return `There is no room “${room}” yet: it opens when you come in.`;
  const people = info.people === 0 ? "Nobody is there yet" : info.people === 1 ? "1 person is there" : `${info.people} people are there`;
  const kinds = { presentation: "A presentation", direct: "A call between two", meeting: "A meeting" };
  return `${kinds[info.kind]}${info.encrypted ? ", encrypted end to end" : ""}. ${people}.`;
}

/** One's own picture, and what is to be taken along through the door. */
class Mirror {
  #media = { audio: null, video: null };
  /** Devices that the browser still asks about. */
  #opening = { audio: null, video: null };
  #problems = { audio: "", video: "" };
  #isOpen = true;
  #video = el("video", { autoplay: true, playsInline: true, muted: true });
  #nothing = el("div", { class: "nothing" });
  #buttons = {
    audio: el("button", { class: "round", type: "button", onclick: () => this.#toggle("audio") }),
    video: el("button", { class: "round", type: "button", onclick: () => this.#toggle("video") }),
  };
  fields = el("div", { class: "stack" });

  constructor() {
    this.#video.muted = true;
    this.element = el("div", { class: "preview" }, this.#video, this.#nothing,
      el("div", { class: "toggles" }, this.#buttons.audio, this.#buttons.video));
    this.#show();
  }

  /** Opens both devices; each may fail alone. */
  async open() {
    this.element.setAttribute("aria-busy", "true");
    await Promise.all(KINDS.map((kind) => this.#open(kind)));
    this.element.removeAttribute("aria-busy");
    if (this.#isOpen) this.#showFields();
  }

  /** What is open, and promises of what is about to be. */
  handOver() {
    this.#isOpen = false;
    this.#video.srcObject = null;
    return { audio: this.#media.audio ?? this.#opening.audio, video: this.#media.video ?? this.#opening.video };
  }

  /** Closes everything, also what opens later. */
  close() {
    KINDS.forEach((kind) => this.#close(kind));
    this.#isOpen = false;
    return {};
  }

  async #open(kind) {
    const opening = openDevice(kind);
    this.#opening[kind] = opening;
    this.#problems[kind] = "";
    this.#show();
    try {
      const track = await opening;
      if (this.#opening[kind] !== opening) {
        track.stop();
        return;
      }
      // Handed over already: whoever took the promise has the track.
      if (!this.#isOpen) return;
      this.#media[kind] = track;
      track.addEventListener("ended", () => this.#media[kind] === track && this.#close(kind));
    } catch (error) {
      if (this.#opening[kind] !== opening) return;
      this.#problems[kind] = deviceProblem(kind, error);
    }
    this.#opening[kind] = null;
    this.#show();
  }

  #close(kind) {
    this.#opening[kind] = null;
    this.#media[kind]?.stop();
    this.#media[kind] = null;
    this.#show();
  }

  #toggle(kind) {
    if (this.#media[kind] || this.#opening[kind]) this.#close(kind);
    else this.#open(kind);
  }

  #show() {
    for (const kind of KINDS) {
      const isOn = Boolean(this.#media[kind]);
      const what = kind === "audio" ? "microphone" : "camera";
      const button = this.#buttons[kind];
      const label = isOn ? `Turn the ${what} off` : `Turn the ${what} on`;
      button.classList.toggle("off", !isOn);
      button.replaceChildren(icon(isOn ? what : `${what}-off`));
      button.setAttribute("aria-label", label);
      button.title = label;
    }
    const { video } = this.#media;
    if (this.#video.srcObject?.getTracks()[0] !== (video ?? undefined)) this.#video.srcObject = video ? new MediaStream([video]) : null;
    this.#video.hidden = !video;
    const problems = [...new Set(KINDS.map((kind) => this.#problems[kind]).filter(Boolean))];
    const asks = KINDS.some((kind) => this.#opening[kind]);
    const state = asks ? "Your browser asks whether this page may use your camera and microphone." : "Your camera is off.";
    const lines = problems.length > 0 ? problems : [state];
    this.#nothing.replaceChildren(...lines.map((line) => el("p", {}, line)));
    // A microphone that fails is told of over the picture as well.
    this.#nothing.hidden = Boolean(video) && problems.length === 0;
  }

  async #showFields() {
    this.fields.replaceChildren(...await deviceFields(["videoinput", "audioinput", "audiooutput"], (kind) => {
      if (kind === "audiooutput") return;
      const input = kind === "audioinput" ? "audio" : "video";
      this.#close(input);
      this.#open(input);
    }));
  }
}

const KINDS = ["audio", "video"];
