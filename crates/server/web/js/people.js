// The list of people at the left of a room.

import { avatar, el, setChildren } from "./dom.js";
import { icon } from "./icons.js";

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

  constructor(call, participant) {
    this.#call = call;
    const isMe = participant.id === call.me?.id;
    this.element = el("li", {},
      avatar(participant.name),
      el("div", { class: "grow" },
        el("div", { class: "ellipsis", title: participant.name }, isMe ? `${participant.name} (you)` : participant.name),
        this.#state),
      this.#signs);
    this.#signs.style.gap = "5px";
  }

  update(participant) {
    this.element.classList.toggle("speaking", participant.speaking);
    const words = [];
    if (participant.owner) words.push("Owner");
    if (participant.viewer) words.push("Watching");
    if (this.#call.room.state === "in-call" && participant.presence === "waiting") words.push("Ringing…");
    if (participant.presence === "declined") words.push("Declined");
    this.#state.textContent = words.join(" · ");
    this.#state.hidden = words.length === 0;
    const tracks = [...this.#call.tracks.values()].filter((track) => track.participant === participant.id);
    const microphone = tracks.find((track) => track.source === "microphone");
    const camera = tracks.find((track) => track.source === "camera");
    const signs = [];
    if (tracks.some((track) => track.source === "screen")) signs.push(["screen", "", "shares a screen"]);
    if (participant.presence === "in-call" && !participant.viewer) {
      signs.push(camera && !camera.muted ? ["camera", "", "camera on"] : ["camera-off", "off", "camera off"]);
      signs.push(microphone && !microphone.muted ? ["microphone", "", "microphone on"] : ["microphone-off", "off", "muted"]);
    }
    const key = JSON.stringify(signs);
    if (this.#signs.dataset.key === key) return;
    this.#signs.dataset.key = key;
    this.#signs.replaceChildren(...signs.flatMap(([name, className, text]) =>
      [icon(name, className), el("span", { class: "visually-hidden" }, text)]));
  }
}
