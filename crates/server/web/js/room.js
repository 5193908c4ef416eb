// A room on the screen: header, people, stage, chat, controls.

import { chatPanel } from "./chat.js";
import { chooseDevices, deviceProblem, openDevice, openScreen } from "./devices.js";
import { ask, el, notify } from "./dom.js";
import { icon } from "./icons.js";
import { peoplePanel } from "./people.js";
import { askToAnswer } from "./ringing.js";
import { watchSpeaking } from "./speaking.js";
import { stagePanel, useLoudspeaker } from "./stage.js";

/** Shows the room of a call that is joined; `leave` is called when the user wants out. */
export function showRoom(root, call, { limits, tracks, leave }) {
  const view = new RoomView(call, limits, tracks, leave);
  root.replaceChildren(view.element);
  view.begin();
  return () => view.close();
}

class RoomView {
  #call;
  #leave;
  /** Open devices that are to be published once we are in the call. */
  #ready;
  #stopSpeaking;
  #listening = new AbortController();
  #title = el("h1", { class: "ellipsis" });
  #badge = el("span", { class: "badge" });
  #bar = el("footer", { class: "bar" });
  #buttons = {};
  #dot = el("span", { class: "dot", hidden: true });

  constructor(call, limits, tracks, leave) {
    this.#call = call;
    this.#leave = leave;
    this.#ready = tracks;
    const unread = () => (this.#dot.hidden = false);
    this.element = el("div", { class: "room" },
      el("header", {},
        el("img", { src: "/static/icon.svg", alt: "Tureen" }),
        this.#title,
        this.#badge,
        call.isEncrypted ? el("span", { class: "badge", title: "Encrypted end to end" }, icon("lock"), el("span", { class: "wide" }, "end to end")) : null,
        el("span", { class: "grow" }),
        el("button", { onclick: () => this.#copyLink(), "aria-label": "Copy the link to this room" }, icon("link"), el("span", { class: "wide" }, "Copy link"))),
      peoplePanel(call),
      stagePanel(call, () => this.#copyLink()),
      chatPanel(call, limits.chat, unread),
      this.#bar);
    this.#makeBar();
    const on = (event, listener) => call.addEventListener(event, listener, { signal: this.#listening.signal });
    on("change", () => this.#update());
    on("ringing", () => this.#answer());
    on("problem", ({ detail }) => notify(detail.message, "error"));
    // The panels of a small window stand above the bar, however many rows it has.
    new ResizeObserver(([entry]) => this.element.style.setProperty("--bar-height", `${entry.target.offsetHeight}px`)).observe(this.#bar);
  }

  begin() {
    this.#stopSpeaking = watchSpeaking(this.#call);
    this.#update();
    this.#publishReady();
  }

  close() {
    this.#listening.abort();
    this.#stopSpeaking();
    for (const track of Object.values(this.#ready)) track?.stop();
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
    const isLive = room.state === "in-call";
    this.#badge.className = isLive ? "badge live" : "badge warm";
    this.#badge.textContent = isLive ? "in call" : "waiting";
    const buttons = this.#buttons;
    for (const [name, what] of [["microphone", "microphone"], ["camera", "camera"]]) {
      const [track] = call.mine(name);
      const isOn = Boolean(track) && !track.muted;
      buttons[name].hidden = !call.mayPublish;
      buttons[name].classList.toggle("off", !isOn);
      buttons[name].setAttribute("aria-pressed", String(isOn));
      const label = isOn ? `Turn the ${what} off` : `Turn the ${what} on`;
      if (buttons[name].title !== label) {
        buttons[name].title = label;
        buttons[name].setAttribute("aria-label", label);
        buttons[name].replaceChildren(icon(isOn ? what : `${what}-off`));
      }
    }
    const screens = call.mine("screen").length;
    buttons.screen.hidden = !call.mayPublish || !navigator.mediaDevices?.getDisplayMedia;
    buttons.screen.classList.toggle("on", screens > 0);
    buttons.screen.title = screens > 0 ? "Share another screen" : "Share a screen";
    buttons.stopScreens.hidden = screens === 0;
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
    const { audio, video } = this.#ready;
    this.#ready = {};
    if (audio) await this.#publish(audio, "microphone");
    if (video) await this.#publish(video, "camera");
  }

  async #publish(media, source) {
    return this.#try(async () => {
      const track = await this.#call.publish(media, { source });
      media.addEventListener("ended", () => this.#try(() => this.#call.unpublish(track)));
      return track;
    }, () => media.stop());
  }

  async #toggle(source, kind) {
    const button = this.#buttons[source];
    button.disabled = true;
    const [track] = this.#call.mine(source);
    if (!track) {
      try {
        await this.#publish(await openDevice(kind), source);
      } catch (error) {
        notify(deviceProblem(kind, error), "error");
      }
    } else if (source === "camera") {
      // The lamp beside a camera should go out.
      await this.#try(() => this.#call.unpublish(track));
    } else {
      await this.#try(() => this.#call.mute(track, !track.muted));
    }
    button.disabled = false;
  }

  async #shareScreen() {
    for (const media of await openScreen()) {
      const isVideo = media.kind === "video";
      const track = await this.#publish(media, isVideo ? "screen" : "screen-audio");
      if (track && isVideo) await this.#try(() => this.#call.putOnStage(track));
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
      if (track) await this.#try(async () => this.#call.replace(track, await openDevice(media)));
    });
  }

  // ---- the rest ----

  async #answer() {
    const owner = [...this.#call.participants.values()].find((one) => one.owner);
    const over = new Promise((resolve) => {
      this.#call.addEventListener("ended", resolve, { signal: this.#listening.signal });
    });
    const accept = await askToAnswer("The call begins", owner?.name ?? this.#call.room.name, over);
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

  async #copyLink() {
    const link = `${location.origin}/room/${this.#call.room.id}`;
    try {
      await navigator.clipboard.writeText(link);
      notify("The link is copied. Send it to those you want to see here.");
    } catch {
      await ask("The link to this room", [el("input", { type: "text", readOnly: true, value: link, "aria-label": "Link" })], [["", "Done"]]).closed;
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
