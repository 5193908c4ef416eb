// The state of a room as this browser knows it, and everything one can do in it. No pixels here:
// it dispatches `change` with what has changed, and the views look.

import { PublishConnection, ReceiveConnection } from "./connection.js";

/**
 * Events: `change` (detail: what), `chat` (detail: message), `ringing`, `ended`, `closing` (detail:
 * reason), `lost` when signaling is gone, `problem` (detail: Error).
 */
export class Call extends EventTarget {
  room = null;
  /** By id: id, name, viewer, owner, presence, speaking. */
  participants = new Map();
  /** By id: id, participant, kind, source, label, muted, and receiver or transceiver with media. */
  tracks = new Map();
  chat = [];
  stage = null;
  /** Tracks that we chose not to receive. */
  dropped = new Set();
  /** Tracks that arrive and cannot be decrypted. */
  unreadable = new Set();
  #signaling;
  #options;
  #publishing = null;
  #receiving = null;
  #stop = new AbortController();

  /** `options`: consume, viewer, forceTcp, encryption. */
  constructor(signaling, options) {
    super();
    this.#signaling = signaling;
    this.#options = options;
    for (const [event, method] of Object.entries(EVENTS)) {
      signaling.addEventListener(event, ({ detail }) => this[method](detail), { signal: this.#stop.signal });
    }
    const restart = () => {
      this.#publishing?.restart();
      this.#receiving?.restart();
    };
    globalThis.addEventListener("online", restart, { signal: this.#stop.signal });
    navigator.connection?.addEventListener?.("change", restart, { signal: this.#stop.signal });
    options.encryption?.addEventListener("readable", ({ detail }) => this.#readable(detail), { signal: this.#stop.signal });
  }

  get me() {
    return this.participants.get(this.#signaling.me);
  }

  get isEncrypted() {
    return Boolean(this.#options.encryption);
  }

  get mayPublish() {
    const me = this.me;
    return Boolean(me) && !me.viewer && me.presence === "in-call" && (this.room.kind !== "presentation" || me.owner);
  }

  get mayStage() {
    return this.me?.presence === "in-call" && (this.room.kind !== "presentation" || this.me.owner);
  }

  /** Enters the room. Resolves with its owner's secret, if we have just made the room. */
  async join(room, { secret, open }) {
    const { viewer, consume, forceTcp } = this.#options;
    const joined = await this.#signaling.request("join", { room, viewer, consumes: consume, forceTcp, secret, open });
    this.room = joined.room;
    for (const participant of joined.participants) this.participants.set(participant.id, { ...participant, speaking: false });
    for (const track of joined.tracks) this.tracks.set(track.id, track);
    this.chat = joined.chat;
    this.stage = joined.stage;
    if (consume) await this.#openReceiving();
    this.changed("room");
    return joined.secret;
  }

  /** Publishes a track of ours. Resolves with its entry. */
  async publish(media, info) {
    this.#publishing ??= new PublishConnection(this.#signaling, this.#options.encryption);
    const { id, transceiver } = await this.#publishing.add(media, info);
    const { source, label = "", muted = false } = info;
    const track = { id, participant: this.#signaling.me, kind: media.kind, source, label, muted, transceiver, media };
    this.tracks.set(id, track);
    this.changed("tracks");
    return track;
  }

  async unpublish(track) {
    this.tracks.delete(track.id);
    track.media?.stop();
    this.changed("tracks");
    await this.#publishing?.remove(track.transceiver);
  }

  /** Another device for a track of ours. */
  async replace(track, media) {
    await track.transceiver.sender.replaceTrack(media);
    media.enabled = !track.muted;
    track.media.stop();
    track.media = media;
    this.changed("tracks");
  }

  mine(source) {
    return [...this.tracks.values()].filter((track) => track.transceiver && track.source === source);
  }

  async mute(track, muted) {
    track.media.enabled = !muted;
    track.muted = muted;
    this.changed("tracks");
    await this.#signaling.request("mute", { track: track.id, muted });
  }

  /** Receives a track, or drops it. */
  async subscribe(track, wanted) {
    if (wanted) this.dropped.delete(track.id);
    else this.dropped.add(track.id);
    this.changed("tracks");
    await this.#signaling.request("subscribe", { track: track.id, wanted });
  }

  putOnStage(track) {
    return this.#signaling.request("stage", { track: track?.id ?? null });
  }

  say(text) {
    return this.#signaling.request("chat", { text });
  }

  startCall() {
    return this.#signaling.request("start-call");
  }

  ringAll() {
    return this.#signaling.request("ring-room");
  }

  answer(accept) {
    return this.#signaling.request("answer-call", { accept });
  }

  endRoom() {
    return this.#signaling.request("end-room");
  }

  /** Leaves, and lets go of everything. */
  close() {
    this.#stop.abort();
    this.#closeMedia();
    this.#options.encryption?.close();
    if (this.room) this.#signaling.request("leave").catch(() => {});
    for (const track of this.tracks.values()) track.media?.stop();
  }

  changed(what) {
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }

  /** For tests and the curious. */
  get connections() {
    return { publish: this.#publishing?.pc, receive: this.#receiving?.pc };
  }

  async #openReceiving() {
    this.#receiving = new ReceiveConnection(this.#signaling, this.#options.encryption);
    this.#receiving.addEventListener("tracks", ({ detail: receivers }) => {
      for (const track of this.tracks.values()) {
        if (!track.transceiver) track.receiver = receivers.get(track.id);
      }
      this.changed("tracks");
    });
    await this.#receiving.open();
  }

  #closeMedia() {
    this.#publishing?.close();
    this.#receiving?.close();
    this.#publishing = null;
    this.#receiving = null;
  }

  #readable({ receiver, readable }) {
    const track = [...this.tracks.values()].find((one) => one.receiver === receiver);
    if (!track) return;
    if (readable) this.unreadable.delete(track.id);
    else this.unreadable.add(track.id);
    this.changed("tracks");
  }

  // ---- what the server says ----

  joined(participant) {
    this.participants.set(participant.id, { ...participant, speaking: false });
    this.changed("participants");
  }

  left({ participant }) {
    this.participants.delete(participant);
    this.changed("participants");
  }

  presence({ participant, presence }) {
    const one = this.participants.get(participant);
    if (one) one.presence = presence;
    this.changed("room");
  }

  callStarted() {
    this.room.state = "in-call";
    this.changed("room");
  }

  callRinging() {
    this.dispatchEvent(new CustomEvent("ringing"));
  }

  roomEnded() {
    this.room.state = "ended";
    this.#closeMedia();
    this.dispatchEvent(new CustomEvent("ended"));
  }

  trackPublished(track) {
    this.tracks.set(track.id, track);
    this.changed("tracks");
  }

  trackClosed({ track }) {
    this.tracks.delete(track);
    this.dropped.delete(track);
    this.unreadable.delete(track);
    this.changed("tracks");
  }

  trackMuted({ track, muted }) {
    const one = this.tracks.get(track);
    if (one) one.muted = muted;
    this.changed("tracks");
  }

  staged({ track }) {
    this.stage = track;
    this.changed("stage");
  }

  chatted(message) {
    this.chat.push(message);
    this.dispatchEvent(new CustomEvent("chat", { detail: message }));
  }

  offered(offer) {
    this.#receiving?.offer(offer).catch((error) => this.#problem(error));
  }

  trackRefused({ track }) {
    this.dropped.add(track);
    this.changed("tracks");
  }

  /** The media worker has died: everything is opened and published anew. */
  async mediaLost() {
    const mine = [...this.tracks.values()].filter((track) => track.transceiver);
    this.#closeMedia();
    for (const track of mine) this.tracks.delete(track.id);
    try {
      if (this.#options.consume) await this.#openReceiving();
      for (const { media, source, label, muted } of mine) await this.publish(media, { source, label, muted });
    } catch (error) {
      this.#problem(error);
    }
  }

  closing({ reason }) {
    this.dispatchEvent(new CustomEvent("closing", { detail: reason }));
  }

  signalingLost() {
    this.dispatchEvent(new CustomEvent("lost"));
  }

  #problem(error) {
    this.dispatchEvent(new CustomEvent("problem", { detail: error }));
  }
}

const EVENTS = {
  "participant-joined": "joined",
  "participant-left": "left",
  presence: "presence",
  "call-started": "callStarted",
  "call-ringing": "callRinging",
  "room-ended": "roomEnded",
  "track-published": "trackPublished",
  "track-closed": "trackClosed",
  "track-muted": "trackMuted",
  stage: "staged",
  chat: "chatted",
  offer: "offered",
  "track-refused": "trackRefused",
  "media-lost": "mediaLost",
  closing: "closing",
  lost: "signalingLost",
};
