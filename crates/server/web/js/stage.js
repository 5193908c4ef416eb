// The middle of a room: a tile per person and per screen. One of them may be on the stage, large,
// with the others in a strip below it; else all share the space.

import { avatar, el, notify, setChildren } from "./dom.js";
import { icon } from "./icons.js";
import { watchStatistics } from "./statistics.js";
import { store } from "./store.js";

export function stagePanel(call, shareLink) {
  const grid = el("div", { class: "grid" });
  const main = el("div", { class: "main" }, grid);
  const strip = el("div", { class: "strip", hidden: true });
  const alone = el("div", { class: "alone" });
  const audio = el("div", { hidden: true });
  const panel = el("main", { class: "stage" }, main, strip, audio);
  const tiles = new Map();
  const sounds = new Map();

  const update = () => {
    const shown = tileList(call);
    for (const [key, tile] of tiles) {
      if (!shown.some((one) => one.key === key)) {
        tile.close();
        tiles.delete(key);
      }
    }
    for (const one of shown) {
      if (!tiles.has(one.key)) tiles.set(one.key, new Tile(call, one));
      tiles.get(one.key).update(one);
    }
    const staged = shown.find((one) => call.stage && one.video?.id === call.stage);
    const element = (one) => tiles.get(one.key).element;
    const others = shown.filter((one) => one !== staged).map(element);
    setChildren(grid, staged ? [element(staged)] : others);
    setChildren(strip, staged ? others : []);
    strip.hidden = !staged || others.length === 0;
    layOut();
    showAlone();
    playSounds(call, audio, sounds);
  };

  const layOut = () => {
    const count = grid.children.length;
    const { width, height } = main.getBoundingClientRect();
    let best = { columns: 1, area: 0 };
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const [w, h] = [width / columns, height / rows];
      const area = Math.min(w, h * 1.6) * Math.min(h, w / 1.3);
      if (area > best.area) best = { columns, area };
    }
    grid.style.setProperty("--columns", best.columns);
    grid.classList.toggle("single", count === 1);
  };
  new ResizeObserver(layOut).observe(main);

  const showAlone = () => {
    const nobody = grid.children.length === 0;
    if (nobody) {
      const waiting = call.room.state === "waiting";
      alone.replaceChildren(
        el("strong", {}, waiting ? "The call has not begun" : "Nobody shows anything yet"),
        el("p", {}, waiting && !call.me?.owner ? "You will be rung when it does." : "Send the link to those you want to see here."),
        el("button", { onclick: shareLink }, icon("link"), "Copy the link"));
    }
    if (nobody && !alone.isConnected) main.append(alone);
    if (!nobody) alone.remove();
  };

  call.addEventListener("change", update);
  update();
  return panel;
}

/** What there is to see: a tile for everyone in the call, and one for each screen. */
function tileList(call) {
  const list = [];
  for (const participant of call.participants.values()) {
    const theirs = [...call.tracks.values()].filter((track) => track.participant === participant.id);
    for (const video of theirs.filter((track) => track.source === "screen")) {
      list.push({ key: video.id, participant, video, screen: true });
    }
    const video = theirs.find((track) => track.source === "camera");
    const sound = theirs.find((track) => track.source === "microphone");
    const isHere = participant.presence === "in-call" && !participant.viewer;
    if (video || sound || (isHere && call.room.kind !== "presentation")) {
      list.push({ key: `camera ${participant.id}`, participant, video, sound, screen: false });
    }
  }
  return list;
}

class Tile {
  #call;
  #shown;
  #media;
  #stopFigures;
  #video = el("video", { autoplay: true, playsInline: true, muted: true });
  #face;
  #put = el("button", { class: "put", onclick: () => this.#putOnStage() });
  #name = el("div", { class: "name" });
  #message = el("div", { class: "message", hidden: true });
  #figures = el("pre", { class: "figures", hidden: true });
  #receiveButton = el("button", { onclick: () => this.#toggleReceive() });
  #figuresButton = el("button", { onclick: () => this.#toggleFigures(), title: "Statistics", "aria-label": "Statistics", "aria-pressed": "false" }, icon("figures"));

  constructor(call, { participant, screen }) {
    this.#call = call;
    this.#face = el("div", { class: "face" }, avatar(participant.name));
    this.#video.muted = true;
    this.element = el("div", { class: screen ? "tile screen" : "tile" },
      this.#face, this.#video, this.#put, this.#name, this.#message, this.#figures,
      el("div", { class: "tools" }, this.#receiveButton, this.#figuresButton));
    this.element.dataset.participant = participant.id;
  }

  update(shown) {
    this.#shown = shown;
    const { participant, video, sound, screen } = shown;
    const call = this.#call;
    const isMine = participant.id === call.me?.id;
    this.element.classList.toggle("speaking", !screen && participant.speaking);
    this.element.classList.toggle("mirrored", isMine && !screen);
    if (video) this.element.dataset.track = video.id;
    else delete this.element.dataset.track;
    this.#show(video);

    const label = screen ? `${participant.name} – screen` : isMine ? `${participant.name} (you)` : participant.name;
    const isMuted = !screen && (!sound || sound.muted);
    const nameKey = `${label} ${isMuted}`;
    if (this.#name.dataset.key !== nameKey) {
      this.#name.dataset.key = nameKey;
      this.#name.replaceChildren(...(isMuted ? [icon("microphone-off"), el("span", { class: "visually-hidden" }, "muted")] : []),
        el("span", { class: "ellipsis" }, label));
    }
    const isStaged = video && call.stage === video.id;
    this.#put.disabled = !video || !call.mayStage;
    this.#put.setAttribute("aria-label", isStaged ? `Take ${label} off the stage` : `Put ${label} on the stage for everyone`);
    this.#put.title = this.#put.disabled ? "" : isStaged ? "Take off the stage" : "Put on the stage for everyone";

    const isDropped = video && call.dropped.has(video.id);
    const isUnreadable = video && call.unreadable.has(video.id) && !isDropped;
    this.#message.hidden = !isUnreadable;
    this.#message.textContent = isUnreadable ? "Encrypted with another passphrase" : "";
    this.#receiveButton.hidden = !video || isMine;
    const verb = isDropped ? "Receive this again" : "Stop receiving this";
    if (this.#receiveButton.title !== verb) {
      this.#receiveButton.title = verb;
      this.#receiveButton.setAttribute("aria-label", verb);
      this.#receiveButton.replaceChildren(icon(isDropped ? "receive-off" : "receive"));
    }
    this.#figuresButton.hidden = !video && !sound;
  }

  close() {
    this.#stopFigures?.();
    this.#video.srcObject = null;
  }

  #show(video) {
    const isDropped = video && this.#call.dropped.has(video.id);
    const media = video && !video.muted && !isDropped ? video.media ?? video.receiver?.track : undefined;
    this.#video.hidden = !media || this.#call.unreadable.has(video?.id);
    this.#face.hidden = !this.#video.hidden;
    if (media === this.#media) return;
    this.#media = media;
    this.#video.srcObject = media ? new MediaStream([media]) : null;
    if (media) this.#video.play().catch(() => {});
  }

  async #putOnStage() {
    const { video } = this.#shown;
    try {
      await this.#call.putOnStage(this.#call.stage === video.id ? null : video);
    } catch (error) {
      notify(error.message, "error");
    }
  }

  async #toggleReceive() {
    const { video } = this.#shown;
    await this.#call.subscribe(video, this.#call.dropped.has(video.id)).catch((error) => notify(error.message, "error"));
  }

  #toggleFigures() {
    const isShown = Boolean(this.#stopFigures);
    this.#stopFigures?.();
    this.#stopFigures = isShown ? undefined : this.#watchFigures();
    this.#figures.hidden = isShown;
    this.#figuresButton.setAttribute("aria-pressed", String(!isShown));
  }

  #watchFigures() {
    // Looked at anew each time: the track behind a tile changes.
    const current = {
      get: () => this.#shown.video ?? this.#shown.sound ?? {},
    };
    return watchStatistics({
      get receiver() {
        return current.get().receiver;
      },
      get transceiver() {
        return current.get().transceiver;
      },
    }, (lines) => (this.#figures.textContent = lines.join("\n")));
  }
}

/** An audio element for every sound that is received. */
function playSounds(call, parent, sounds) {
  for (const [id, element] of sounds) {
    if (!call.tracks.has(id)) {
      element.remove();
      sounds.delete(id);
    }
  }
  for (const track of call.tracks.values()) {
    const media = track.receiver?.track;
    if (track.kind !== "audio" || !media) continue;
    let element = sounds.get(track.id);
    if (!element) {
      element = el("audio", { autoplay: true });
      element.dataset.track = track.id;
      sounds.set(track.id, element);
      parent.append(element);
    }
    if (element.srcObject?.getTracks()[0] !== media) {
      element.srcObject = new MediaStream([media]);
      const sink = store.device("audiooutput");
      if (sink) element.setSinkId?.(sink).catch(() => {});
      element.play().catch(() => {});
    }
  }
}

/** Plays all sounds through the chosen loudspeaker. */
export function useLoudspeaker() {
  const sink = store.device("audiooutput");
  for (const element of document.querySelectorAll(".stage audio")) element.setSinkId?.(sink ?? "").catch(() => {});
}
