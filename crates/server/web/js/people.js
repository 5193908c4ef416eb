// The list of people at the left of a room.

import { ask, avatar, el, notify, setChildren } from "./dom.js";
import { icon } from "./icons.js";
import { moveThem } from "./moving.js";

export function peoplePanel(call) {
  const heading = el("h2");
  const list = el("ul");
  const rows = new Map();
  const update = () => {
    const people = [...call.participants.values()];
    heading.textContent = people.length === 1 ? "1 person" : `${people.length} people`;
    for (const id of rows.keys()) if (!call.participants.has(id)) rows.delete(id);
    setChildren(list, people.map((participant) => {
      const row = rows.get(participant.id) ?? new Row(call, participant);
      rows.set(participant.id, row);
      row.update(participant);
      return row.element;
    }));
  };
  call.addEventListener("change", update);
  update();
  return el("aside", { class: "people", "aria-label": "People" }, heading, list);
}

class Row {
  #call;
  #signs = el("span", { class: "row" });
  #state = el("div", { class: "small muted" });
  #participant;
  #face = el("span");
  #name = el("div", { class: "ellipsis" });
  #mute = tool("microphone-off", () => this.#muteThem());
  #move = tool("move", () => moveThem(this.#call, this.#participant));
  #remove = tool("remove", () => this.#removeThem());

  constructor(call, participant) {
    this.#call = call;
    this.#participant = participant;
    this.element = el("li", {},
      this.#face,
      el("div", { class: "grow" }, this.#name, this.#state),
      this.#signs,
      el("span", { class: "row tools" }, this.#mute, this.#move, this.#remove));
    this.#signs.style.gap = "5px";
  }

  update(participant) {
    this.#participant = participant;
    if (this.#name.title !== participant.name) this.#showName(participant);
    this.element.classList.toggle("speaking", participant.speaking);
    const words = [];
    if (participant.owner) words.push("Owner");
    else if (participant.host) words.push("Host");
    if (participant.viewer) words.push("Watching");
    if (this.#call.room.state === "in-call" && participant.presence === "waiting") words.push("Ringing…");
    if (participant.presence === "declined") words.push("Declined");
    this.#state.textContent = words.join(" · ");
    this.#state.hidden = words.length === 0;
    const tracks = [...this.#call.tracks.values()].filter((track) => track.participant === participant.id);
    const microphone = tracks.find((track) => track.source === "microphone");
    const camera = tracks.find((track) => track.source === "camera");
    const mayRemove = this.#call.me?.host && participant.id !== this.#call.me.id;
    this.#mute.hidden = !(mayRemove && microphone && !microphone.muted);
    this.#remove.hidden = !mayRemove || participant.owner;
    this.#move.hidden = this.#remove.hidden || this.#call.isEncrypted;
    name(this.#move, `Move ${participant.name} to another room…`);
    name(this.#mute, `Mute ${participant.name}`);
    name(this.#remove, `Remove ${participant.name}`);
    const signs = [];
    if (tracks.some((track) => track.source === "screen")) signs.push(["screen", "", "shares a screen"]);
    if (participant.presence === "in-call" && !participant.viewer) {
      signs.push(camera && !camera.muted ? ["camera", "", "camera on"] : ["camera-off", "off", "camera off"]);
      signs.push(microphone && !microphone.muted ? ["microphone", "", "microphone on"] : ["microphone-off", "off", "muted"]);
    }
    const key = JSON.stringify(signs);
    if (this.#signs.dataset.key === key) return;
    this.#signs.dataset.key = key;
    this.#signs.replaceChildren(...signs.flatMap(([picture, className, text]) =>
      [icon(picture, className), el("span", { class: "visually-hidden" }, text)]));
  }

  #showName(participant) {
    const isMe = participant.id === this.#call.me?.id;
    this.#name.title = participant.name;
    this.#name.replaceChildren(el("bdi", {}, participant.name), isMe ? " (you)" : "");
    const face = avatar(participant.name);
    this.#face.replaceWith(face);
    this.#face = face;
  }

  async #muteThem() {
    const theirs = [...this.#call.tracks.values()].filter(({ participant }) => participant === this.#participant.id);
    const microphone = theirs.find(({ source }) => source === "microphone");
    if (microphone) await this.#call.muteAnother(microphone).catch((error) => notify(error.message, "error"));
  }

  async #removeThem() {
    const { id, name: whom } = this.#participant;
    const answer = await ask(`Remove ${whom}?`, [
      el("p", { class: "muted" }, "They can come in again with the link. Lock the room to keep people out."),
    ], [["", "Cancel"], ["lock", "Remove and lock the room"], ["remove", "Remove", "danger"]]).closed;
    if (!answer) return;
    try {
      if (answer === "lock") await this.#call.lock(true);
      await this.#call.remove(id);
    } catch (error) {
      // Whoever has left by themselves meanwhile is out all the same.
      if (error.code !== "no-such-person") notify(error.message, "error");
    }
  }
}

function tool(iconName, onclick) {
  return el("button", { class: "plain", hidden: true, onclick }, icon(iconName));
}

function name(button, label) {
  button.title = label;
  button.setAttribute("aria-label", label);
}
