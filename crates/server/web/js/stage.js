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
  const onward = () => {
    const [left, top] = [strip.clientWidth * 0.8, strip.clientHeight * 0.8];
    strip.scrollBy({ left, top, behavior: "smooth" });
  };
  const more = el("button", { class: "more", hidden: true, onclick: onward });
  const alone = el("div", { class: "alone" });
  const audio = el("div", { hidden: true });
  const panel = el("main", { class: "stage" }, main, el("div", { class: "below" }, strip, more), audio);
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
    showMore();
    showAlone();
    playSounds(call, audio, sounds);
  };

  const layOut = () => {
    const { width, height } = main.getBoundingClientRect();
    const isStaged = !strip.hidden || grid.querySelector(".screen") !== null;
    const size = tileSize(grid.children.length, width, height, isStaged ? Infinity : WIDEST);
    grid.style.setProperty("--tile-width", `${size.width}px`);
    grid.style.setProperty("--tile-height", `${size.height}px`);
  };
  new ResizeObserver(layOut).observe(main);

  /** How many tiles of the strip are out of sight at its end. */
  const showMore = () => {
    const end = strip.getBoundingClientRect();
    const hidden = [...strip.children].filter((tile) => {
      const place = tile.getBoundingClientRect();
      return place.right > end.right + place.width / 2 || place.bottom > end.bottom + place.height / 2;
    });
    more.hidden = strip.hidden || hidden.length === 0;
    more.textContent = `+${hidden.length}`;
    more.setAttribute("aria-label", `Show ${hidden.length} more`);
  };
  strip.addEventListener("scroll", showMore, { passive: true });
  new ResizeObserver(showMore).observe(strip);

  const showAlone = () => {
    const nobody = grid.children.length === 0;
    if (nobody) {
      const [title, text] = whyNobody(call);
      if (alone.dataset.text !== text) {
        alone.dataset.text = text;
        alone.replaceChildren(el("strong", {}, title), el("p", {}, text),
          el("button", { hidden: call.room.kind === "direct", onclick: shareLink }, icon("link"), "Copy the link"));
      }
    }
    if (nobody && !alone.isConnected) main.append(alone);
    if (!nobody) alone.remove();
  };

  call.addEventListener("change", update);
  update();
  return panel;
}

/** Why the stage is empty, and what may change it. */
function whyNobody({ room, me, participants }) {
  const share = room.kind === "direct"
    ? "Turn on your camera or your microphone to be seen or heard."
    : "Send the link to those you want to see here.";
  if (room.state !== "waiting") return ["Nobody shows anything yet", share];
  if (me?.owner) return ["The call has not begun", share];
  const hasOwner = [...participants.values()].some(({ owner }) => owner);
  return ["The call has not begun", hasOwner
    ? "You will be rung when it does."
    : "The owner of the room is not here yet: only they can start the call, and you will be rung then."];
}

/** The size of `count` tiles side by side that fill the most of the space, none of them wider than
    `widest` times its height, none higher than wide. */
function tileSize(count, width, height, widest) {
  let best = { width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const [w, h] = [(width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows];
    const size = { width: Math.floor(Math.min(w, h * widest)), height: Math.floor(Math.min(h, w * HIGHEST)) };
    if (size.width * size.height > best.width * best.height) best = size;
  }
  return best;
}

/** What there is to see: a tile for everyone in the call, and one for each screen. */
function tileList(call) {
  const list = [];
  for (const participant of call.participants.values()) {
    const theirs = [...call.tracks.values()].filter((track) => track.participant === participant.id);
    const screens = theirs.filter((track) => track.source === "screen");
    for (const video of screens) {
      const sound = theirs.find((track) => track.source === "screen-audio" && track.label === video.label);
      const number = screens.length > 1 ? ` ${video.label.match(/\d+$/)?.[0] ?? screens.indexOf(video) + 1}` : "";
      list.push({ key: video.id, participant, video, sound, screen: true, what: ` – screen${number}` });
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
  /** Whether the first picture has come; until then there is the face. */
  #hasPicture = false;
  #video = el("video", { autoplay: true, playsInline: true, muted: true });
  #face;
  #put = el("button", { class: "put", onclick: () => this.#putOnStage() });
  #name = el("div", { class: "name" });
  #message = el("div", { class: "message", hidden: true });
  #figures = el("pre", { class: "figures", hidden: true });
  #pictureButton = el("button", { onclick: () => this.#toggleReceive(this.#shown.video) });
  #soundButton = el("button", { onclick: () => this.#toggleReceive(this.#shown.sound) });
  #stopButton = el("button", {
    title: "Stop sharing this screen",
    "aria-label": "Stop sharing this screen",
    onclick: () => this.#try(() => this.#call.stopScreen(this.#shown.video)),
  }, icon("stop"));
  #figuresButton = el("button", {
    title: "Statistics",
    "aria-label": "Statistics",
    "aria-pressed": "false",
    onclick: () => this.#toggleFigures(),
  }, icon("figures"));

  constructor(call, { participant, screen }) {
    this.#call = call;
    this.#face = el("div", { class: "face" });
    this.#video.muted = true;
    this.#video.addEventListener("loadeddata", () => {
      this.#hasPicture = true;
      this.#show(this.#shown.video);
    });
    this.element = el("div", { class: screen ? "tile screen" : "tile" },
      this.#face, this.#video, this.#put, this.#name, this.#message, this.#figures,
      el("div", { class: "tools" }, this.#stopButton, this.#pictureButton, this.#soundButton, this.#figuresButton));
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

    if (this.#face.dataset.name !== participant.name) {
      this.#face.dataset.name = participant.name;
      this.#face.replaceChildren(avatar(participant.name));
    }
    const name = isMine && !screen ? `${participant.name} (you)` : participant.name;
    const label = screen ? `${name}${shown.what}` : name;
    const isMuted = !screen && !participant.viewer && (!sound || sound.muted);
    const nameKey = `${label} ${isMuted}`;
    if (this.#name.dataset.key !== nameKey) {
      this.#name.dataset.key = nameKey;
      this.#name.replaceChildren(...(isMuted ? [icon("microphone-off"), el("span", { class: "visually-hidden" }, "muted")] : []),
        el("span", { class: "ellipsis" }, name), ...(screen ? [el("span", { class: "what" }, shown.what)] : []));
    }
    const isStaged = video && call.stage === video.id;
    this.#put.disabled = !video || !call.mayStage;
    this.#put.setAttribute("aria-label", isStaged ? `Take ${label} off the stage` : `Put ${label} on the stage for everyone`);
    this.#put.title = this.#put.disabled ? "" : isStaged ? "Take off the stage" : "Put on the stage for everyone";

    const message = this.#messageOf(video, isMine);
    this.#message.hidden = !message;
    if (this.#message.textContent !== message) this.#message.textContent = message;
    this.#stopButton.hidden = !(isMine && screen);
    this.#showReceive(this.#pictureButton, video, isMine, "picture", ["receive", "receive-off"]);
    this.#showReceive(this.#soundButton, sound, isMine, "sound", ["sound", "sound-off"]);
    this.#figuresButton.hidden = !video && !sound;
  }

  close() {
    this.#stopFigures?.();
    this.#video.srcObject = null;
  }

  /** Why there is no picture, where one is to be expected. */
  #messageOf(video, isMine) {
    const call = this.#call;
    if (!video) return "";
    const state = (isMine ? call.connections.publish : call.connections.receive)?.connectionState ?? "new";
    if (isMine) return state === "failed" ? "Not sent: no way to the server" : "";
    if (call.refused.has(video.id)) return "This browser cannot show it";
    if (!call.wants(video)) return "Not received";
    if (call.unreadable.has(video.id)) return "Encrypted with another passphrase";
    if (state === "failed") return "No way for media to the server";
    return state === "connected" ? "" : "Connecting media…";
  }

  #showReceive(button, track, isMine, what, [on, off]) {
    button.hidden = !track || isMine;
    if (button.hidden) return;
    const isWanted = this.#call.wants(track);
    const label = isWanted ? `Stop receiving the ${what}` : `Receive the ${what}`;
    if (button.title === label) return;
    button.title = label;
    button.setAttribute("aria-label", label);
    button.replaceChildren(icon(isWanted ? on : off));
  }

  #show(video) {
    const isDropped = video && !video.media && !this.#call.wants(video);
    const media = video && !video.muted && !isDropped ? video.media ?? video.receiver?.track : undefined;
    if (media !== this.#media) this.#hasPicture = false;
    this.#video.hidden = !media || !this.#hasPicture || this.#call.unreadable.has(video?.id);
    this.#face.hidden = !this.#video.hidden;
    if (media === this.#media) return;
    this.#media = media;
    this.#video.srcObject = media ? new MediaStream([media]) : null;
    if (media) this.#video.play().catch(() => {});
  }

  #putOnStage() {
    const { video } = this.#shown;
    return this.#try(() => this.#call.putOnStage(this.#call.stage === video.id ? null : video));
  }

  #toggleReceive(track) {
    return this.#try(() => this.#call.subscribe(track, !this.#call.wants(track)));
  }

  async #try(action) {
    try {
      await action();
    } catch (error) {
      notify(error.message, "error");
    }
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
    }, (lines) => this.#figures.replaceChildren(...lines.map((line) => el("span", {}, line))));
  }
}

/** An audio element for every sound that is received. */
function playSounds(call, parent, sounds) {
  for (const [id, element] of sounds) {
    const track = call.tracks.get(id);
    if (!track?.receiver || !call.wants(track)) {
      element.remove();
      sounds.delete(id);
    }
  }
  for (const track of call.tracks.values()) {
    const media = track.receiver?.track;
    if (track.kind !== "audio" || !media || !call.wants(track)) continue;
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
      element.play().catch((error) => {
        if (error.name === "NotAllowedError") playAfterClick(element);
      });
    }
  }
}

let isToldToClick = false;

/** Browsers play sound on a page only once the user has done something there. */
function playAfterClick(element) {
  if (!isToldToClick) notify("Click anywhere to hear the others.");
  isToldToClick = true;
  document.addEventListener("click", () => element.play().catch(() => {}), { once: true });
}

/** Plays all sounds through the chosen loudspeaker. */
export function useLoudspeaker() {
  const sink = store.device("audiooutput");
  for (const element of document.querySelectorAll(".stage audio")) element.setSinkId?.(sink ?? "").catch(() => {});
}

const GAP = 10;
const WIDEST = 16 / 9;
const HIGHEST = 1;
