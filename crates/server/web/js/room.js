// A room on the screen: header, people, stage, chat, controls.

import { chatPanel } from "./chat.js";
import { chooseDevices, deviceProblem, openDevice, openScreen } from "./devices.js";
import { ask, closeDialogs, el, notify } from "./dom.js";
import { icon } from "./icons.js";
import { peoplePanel } from "./people.js";
import { askToAnswer } from "./ringing.js";
import { watchSpeaking } from "./speaking.js";
import { stagePanel, useLoudspeaker } from "./stage.js";

/** Shows the room of a call that is joined; `leave` is called when the user wants out. `tracks` by kind
    are open devices or promises of them; what of them is not published is closed. */
export function showRoom(root, call, { limits, tracks, leave }) {
  const view = new RoomView(call, limits, leave);
  root.replaceChildren(view.element);
  view.begin(tracks);
  return () => view.close();
}

class RoomView {
  #call;
  #leave;
  /** Open devices that are to be published once we are in the call. */
  #ready = {};
  #isClosed = false;
  #isRung = false;
  /** Of the screens shared so far: each has a number that it keeps. */
  #screens = 0;
  #stopSpeaking;
  #listening = new AbortController();
  #title = el("h1", { class: "ellipsis", tabIndex: -1 });
  #badge = el("span", { class: "badge" });
  #lock = el("button", { class: "lock", onclick: () => this.#toggleLock() });
  #locked = el("span", { class: "badge", hidden: true, title: "Nobody else comes in" }, icon("lock"), wide("locked"));
  #recorded = el("span", { class: "badge", hidden: true, title: "Somebody records this room" }, "recorded");
  #bar = el("footer", { class: "bar" });
  #buttons = {};
  #dot = el("span", { class: "dot", hidden: true });
  #link = el("button", {
    onclick: () => this.#copyLink(),
    "aria-label": "Copy the link to this room",
  }, icon("link"), wide("Copy link"));

  constructor(call, limits, leave) {
    this.#call = call;
    this.#leave = leave;
    const unread = () => (this.#dot.hidden = false);
    this.element = el("div", { class: "room" },
      el("header", {},
        el("img", { src: "/static/icon.svg", alt: "Tureen" }),
        this.#title,
        this.#badge,
        call.isEncrypted ? el("span", { class: "badge", title: "Encrypted end to end" }, icon("lock"), wide("end to end")) : null,
        this.#locked,
        this.#recorded,
        el("span", { class: "grow" }),
        this.#lock,
        this.#link),
      peoplePanel(call),
      stagePanel(call, () => this.#copyLink()),
      chatPanel(call, limits.chat, unread),
      this.#bar);
    this.#makeBar();
    const on = (event, listener) => call.addEventListener(event, listener, { signal: this.#listening.signal });
    on("change", () => this.#update());
    on("ringing", () => this.#answer());
    on("moved", ({ detail: by }) => this.#arrive(by));
    on("problem", ({ detail }) => notify(detail.message, "error"));
    on("muted", ({ detail: { track: { source }, by } }) => {
      const who = call.participants.get(by)?.name ?? "Whoever looks after the room";
      notify(`${who} has turned your ${source.replace("-audio", "")} off.`);
    });
    on("device-lost", ({ detail: { source } }) => {
      if (source === "camera" || source === "microphone") notify(`Your ${source} is gone. Choose another among the devices.`, "error");
    });
    // The panels of a small window stand above the bar, however many rows it has.
    new ResizeObserver(([entry]) => this.element.style.setProperty("--bar-height", `${entry.target.offsetHeight}px`)).observe(this.#bar);
  }

  begin(tracks) {
    this.#stopSpeaking = watchSpeaking(this.#call);
    this.#update();
    // Whoever uses no mouse is told where they are now.
    this.#title.focus();
    for (const kind of ["audio", "video"]) this.#take(kind, tracks[kind]);
  }

  close() {
    this.#isClosed = true;
    this.#listening.abort();
    this.#stopSpeaking();
    closeDialogs();
    this.#letGo();
  }

  /** Takes a device from the door, which may still have to open. */
  async #take(kind, opening) {
    try {
      const track = await opening;
      if (!track) return;
      this.#ready[kind]?.stop();
      this.#ready[kind] = track;
      // Who can only watch needs no camera, and its lamp should go out.
      if (this.#isClosed || !this.#call.mayShow) this.#letGo();
      this.#update();
      await this.#publishReady();
    } catch (error) {
      if (!this.#isClosed) notify(deviceProblem(kind, error), "error");
    }
  }

  #letGo() {
    for (const track of Object.values(this.#ready)) track?.stop();
    this.#ready = {};
  }

  // ---- controls ----

  #makeBar() {
    const button = (name, iconName, label, onclick, className = "round") => {
      const element = el("button", { class: className, onclick, title: label, "aria-label": label }, icon(iconName));
      this.#buttons[name] = element;
      return element;
    };
    const leave = button("leave", "leave", "Leave", () => this.#askToLeave(), "leave danger");
    leave.append(el("span", {}, "Leave"));
    this.#bar.append(
      el("span", { class: "panels" }, button("people", "people", "People", () => this.#togglePanel("people"))),
      button("microphone", "microphone", "Microphone", () => this.#toggle("microphone", "audio")),
      button("camera", "camera", "Camera", () => this.#toggle("camera", "video")),
      button("screen", "screen", "Share a screen", () => this.#shareScreen()),
      button("stopScreens", "stop", "Stop sharing", () => this.#stopScreens()),
      button("start", "bell", "Start the call and ring everyone", () => this.#try(() => this.#call.startCall()), "primary"),
      button("ring", "bell", "Ring those who are not in the call", () => this.#try(() => this.#call.ringAll())),
      button("answer", "phone", "Enter the call", () => this.#try(() => this.#call.answer(true)), "primary"),
      button("settings", "settings", "Devices", () => this.#settings()),
      el("span", { class: "panels" }, button("chat", "chat", "Chat", () => this.#togglePanel("chat"))),
      leave);
    this.#buttons.start.append("Start the call");
    this.#buttons.answer.append("Enter the call");
    this.#buttons.chat.append(this.#dot);
  }

  #update() {
    const call = this.#call;
    const { room, me } = call;
    if (!me) return;
    document.title = `${room.name} – Tureen`;
    this.#title.textContent = room.kind === "direct" ? [...call.participants.values()].map(({ name }) => name).join(", ") : room.name;
    this.#title.title = this.#title.textContent;
    const isLive = room.state === "in-call";
    const path = pathOf(call);
    this.#badge.className = isLive && !path ? "badge live" : "badge warm";
    this.#badge.textContent = isLive ? path || "in call" : "waiting";
    this.#recorded.hidden = !room.recorded;
    this.#locked.hidden = !room.locked || me.host;
    this.#lock.hidden = !me.host || room.kind === "direct";
    this.#link.hidden = room.kind === "direct";
    const lockLabel = room.locked ? "Open the room again" : "Lock the room: nobody else comes in";
    if (this.#lock.title !== lockLabel) {
      setLabel(this.#lock, lockLabel);
      this.#lock.classList.toggle("on", room.locked);
      this.#lock.replaceChildren(icon(room.locked ? "lock" : "unlock"), el("span", { class: "wide" }, room.locked ? "Locked" : "Lock"));
    }
    const buttons = this.#buttons;
    for (const [name, kind] of [["microphone", "audio"], ["camera", "video"]]) {
      const [track] = call.mine(name);
      const isOn = track ? !track.muted : Boolean(this.#ready[kind]);
      buttons[name].hidden = !call.mayShow;
      buttons[name].classList.toggle("off", !isOn);
      const label = isOn ? `Turn the ${name} off` : `Turn the ${name} on`;
      if (buttons[name].title !== label) {
        setLabel(buttons[name], label);
        buttons[name].replaceChildren(icon(isOn ? name : `${name}-off`));
      }
    }
    const screens = call.mine("screen").length;
    buttons.screen.hidden = !call.mayPublish || !navigator.mediaDevices?.getDisplayMedia;
    buttons.screen.classList.toggle("on", screens > 0);
    setLabel(buttons.screen, screens > 0 ? "Share another screen" : "Share a screen");
    buttons.stopScreens.hidden = screens === 0;
    setLabel(buttons.stopScreens, screens > 1 ? "Stop sharing all screens" : "Stop sharing");
    const isAbsent = [...call.participants.values()].some(({ presence }) => presence !== "in-call");
    buttons.start.hidden = !(me.owner && !isLive);
    buttons.ring.hidden = !(me.owner && isLive && isAbsent);
    buttons.answer.hidden = !(isLive && me.presence !== "in-call");
    if (isLive && me.presence === "in-call") this.#publishReady();
  }

  #togglePanel(name) {
    const other = name === "chat" ? "people" : "chat";
    this.element.classList.remove(`show-${other}`);
    const isShown = this.element.classList.toggle(`show-${name}`);
    this.#buttons[name].classList.toggle("on", isShown);
    this.#buttons[other].classList.remove("on");
    if (name === "chat") this.#dot.hidden = true;
  }

  // ---- media ----

  /** Publishes the devices that were opened at the door. */
  async #publishReady() {
    if (!this.#call.mayPublish) return;
    for (const [kind, source] of [["audio", "microphone"], ["video", "camera"]]) {
      const media = this.#ready[kind];
      delete this.#ready[kind];
      if (!media) continue;
      // The user was faster than the device.
      if (this.#call.mine(source).length > 0) media.stop();
      else await this.#publish(media, { source });
    }
  }

  #publish(media, info) {
    return this.#try(() => this.#call.publish(media, info), () => media.stop());
  }

  async #toggle(source, kind) {
    const button = this.#buttons[source];
    button.disabled = true;
    const [track] = this.#call.mine(source);
    if (!track && this.#ready[kind]) {
      // Open and waiting for the call to begin.
      this.#ready[kind].stop();
      delete this.#ready[kind];
      this.#update();
    } else if (!track) {
      await this.#take(kind, openDevice(kind));
    } else if (source === "camera") {
      // The lamp beside a camera should go out.
      await this.#try(() => this.#call.unpublish(track));
    } else {
      await this.#try(() => this.#call.mute(track, !track.muted));
    }
    button.disabled = false;
  }

  async #shareScreen() {
    const label = `Screen ${++this.#screens}`;
    for (const media of await openScreen()) {
      const isVideo = media.kind === "video";
      // One may have been moved meanwhile to where one only watches.
      if (this.#isClosed || !this.#call.mayPublish) {
        media.stop();
        continue;
      }
      const track = await this.#publish(media, { source: isVideo ? "screen" : "screen-audio", label });
      // Without an id it waits to be published anew, and `stage` without a track would clear the stage.
      if (track?.id && isVideo) await this.#try(() => this.#call.putOnStage(track));
    }
  }

  async #stopScreens() {
    for (const track of [...this.#call.mine("screen"), ...this.#call.mine("screen-audio")]) {
      await this.#try(() => this.#call.unpublish(track));
    }
  }

  async #settings() {
    const kinds = this.#call.mayPublish ? ["videoinput", "audioinput", "audiooutput"] : ["audiooutput"];
    await chooseDevices(kinds, async (kind) => {
      if (kind === "audiooutput") {
        useLoudspeaker();
        return;
      }
      const [source, media] = kind === "audioinput" ? ["microphone", "audio"] : ["camera", "video"];
      const [track] = this.#call.mine(source);
      if (!track) return;
      try {
        await this.#call.replace(track, await openDevice(media));
      } catch (error) {
        notify(deviceProblem(media, error), "error");
      }
    });
  }

  // ---- the rest ----

  /** Another room, by the doing of `by`, if we know who that is. */
  #arrive(by) {
    closeDialogs();
    if (!this.#call.mayShow) this.#letGo();
    this.#dot.hidden = true;
    this.#update();
    this.#title.focus();
    notify(`${by ?? "Whoever looks after the room"} has moved you to “${this.#call.room.name}”.`);
  }

  async #answer() {
    // Rung twice is asked once.
    if (this.#isRung) return;
    this.#isRung = true;
    const owner = [...this.#call.participants.values()].find((one) => one.owner);
    const over = new Promise((resolve) => {
      this.#call.addEventListener("ended", resolve, { signal: this.#listening.signal });
    });
    const accept = await askToAnswer("The call begins", owner?.name ?? this.#call.room.name, over);
    this.#isRung = false;
    if (accept !== undefined) await this.#try(() => this.#call.answer(accept));
  }

  async #askToLeave() {
    if (!this.#call.me?.owner || this.#call.participants.size < 2) {
      this.#leave();
      return;
    }
    const answer = await ask("Leave the room?", [
      el("p", { class: "muted" }, "You own this room. The others can stay, or you end it for everyone."),
    ], [["", "Stay"], ["leave", "Leave"], ["end", "End for everyone", "danger"]]).closed;
    if (answer === "leave") this.#leave();
    if (answer === "end") await this.#try(() => this.#call.endRoom());
  }

  #toggleLock() {
    return this.#try(() => this.#call.lock(!this.#call.room.locked));
  }

  async #copyLink() {
    const { id, kind } = this.#call.room;
    const link = `${location.origin}/room/${id}${kind === "presentation" ? "?produce=false" : ""}`;
    try {
      await navigator.clipboard.writeText(link);
      notify(this.#call.isEncrypted
        ? "The link is copied. The passphrase is not in it: tell it in another way."
        : "The link is copied. Send it to those you want to see here.");
    } catch {
      const field = el("input", { type: "text", readOnly: true, value: link, "aria-label": "Link" });
      await ask("The link to this room", [field], [["", "Done"]]).closed;
    }
  }

  async #try(action, undo) {
    try {
      return await action();
    } catch (error) {
      undo?.();
      notify(error.message, "error");
      return undefined;
    }
  }
}

/** What a button does, for those who point at it and those who hear of it. */
function setLabel(button, label) {
  button.title = label;
  button.setAttribute("aria-label", label);
}

/** How far media has come, when it has not arrived; or that the server is sought. */
function pathOf({ connections, isReconnecting }) {
  if (isReconnecting) return "reconnecting…";
  const states = Object.values(connections).map((pc) => pc?.connectionState);
  if (states.includes("failed")) return "no way for media";
  return states.some((state) => state === "connecting" || state === "disconnected") ? "connecting…" : "";
}

/** Words that are left out where there is little room. */
function wide(text) {
  return el("span", { class: "wide" }, text);
}
