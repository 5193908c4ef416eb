// The state of a room as this browser knows it, and everything one can do in it. No pixels here:
// it dispatches `change` with what has changed, and the views look.

import { ReceiveConnection } from "./connection.js";
import { OwnTracks } from "./own-tracks.js";

/** A room that one must not stay in: `code` is `passphrase-missing` or `not-encrypted`. */
export class WrongRoom extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * Survives a lost signaling connection: devices stay open, and their tracks are published again
 * after the next `join`.
 *
 * Events: `change` (detail: what), `chat` (detail: message), `ringing`, `ended`, `closing` (detail:
 * reason), `lost` when signaling is gone for good, `removed` (detail: reason, by), `moved` into
 * another room (detail: who did it), `muted` (detail: track, by), `problem` (detail: Error),
 * `device-lost` (detail: track).
 */
export class Call extends EventTarget {
  room = null;
  /** By id: id, name, viewer, owner, host, presence, speaking. */
  participants = new Map();
  /** By id: id, participant, kind, source, label, muted, and receiver, or transceiver and media. */
  tracks = new Map();
  chat = [];
  stage = null;
  /** Tracks that arrive and cannot be decrypted. */
  unreadable = new Set();
  /** Tracks that this browser cannot receive. */
  refused = new Set();
  #signaling = null;
  #me = "";
  #options;
  #own;
  #receiving = null;
  /** Which tracks the user switched on (true) or off (false), by participant, source and label. */
  #wishes = new Map();
  #attached = new AbortController();
  #stop = new AbortController();
  /** Counts how often all media was set up. A set-up with an older number stops. */
  #round = 0;
  #isToldOfPath = false;
  /** Removed from the room. */
  #isOut = false;

  /** `options`: consume, viewer, forceTcp, encryption. */
  constructor(options) {
    super();
    this.#options = options;
    this.#own = new OwnTracks(options.encryption);
    this.#own.addEventListener("change", () => this.changed("tracks"));
    this.#own.addEventListener("lost", ({ detail }) => {
      this.unpublish(detail).catch((error) => this.#problem(error));
      this.dispatchEvent(new CustomEvent("device-lost", { detail }));
    });
    this.#own.addEventListener("path", ({ detail }) => this.#pathChanged(detail));
    const restart = () => {
      this.#own.restart();
      this.#receiving?.restart();
    };
    globalThis.addEventListener("online", restart, { signal: this.#stop.signal });
    navigator.connection?.addEventListener?.("change", restart, { signal: this.#stop.signal });
    options.encryption?.addEventListener("readable", ({ detail }) => this.#readable(detail), { signal: this.#stop.signal });
  }

  get me() {
    return this.participants.get(this.#me);
  }

  get isEncrypted() {
    return Boolean(this.#options.encryption);
  }

  /** Whether one may publish now. */
  get mayPublish() {
    return this.mayShow && this.me.presence === "in-call";
  }

  /** Whether one may publish once one is in the call. */
  get mayShow() {
    const me = this.me;
    return Boolean(me) && !me.viewer && (this.room.kind !== "presentation" || me.owner);
  }

  get mayStage() {
    return this.me?.presence === "in-call" && (this.room.kind !== "presentation" || this.me.owner);
  }

  /**
   * Enters the room over this signaling connection, for the first time or again. Resolves with the
   * answer of the server. `how`: room, secret, open, entersCall.
   */
  async join(signaling, how) {
    const { viewer, consume, forceTcp, encryption } = this.#options;
    this.#attach(signaling);
    const joined = await signaling.request("join", { viewer, consumes: consume, forceTcp, moves: true, ...how });
    // Before anything is shown to anyone.
    if (joined.room.encrypted && !encryption) throw new WrongRoom("passphrase-missing");
    if (encryption && !joined.room.encrypted) throw new WrongRoom("not-encrypted");
    const staged = this.#own.all.find(({ id }) => id && id === this.stage);
    this.#own.forget(signaling);
    this.#me = signaling.me;
    this.#find(joined);
    this.#addChat(joined.chat);
    this.changed("room");
    this.#restore(staged);
    return joined;
  }

  /** Publishes a track of ours. Resolves with its entry. `info`: source, label, muted. */
  publish(media, info) {
    return this.#own.publish(this, media, info);
  }

  async unpublish(track) {
    this.tracks.delete(track.id);
    await this.#own.unpublish(track);
  }

  /** A screen of ours, with its sound. */
  async stopScreen({ label }) {
    for (const track of [...this.mine("screen"), ...this.mine("screen-audio")]) {
      if (track.label === label) await this.unpublish(track);
    }
  }

  /** Another device for a track of ours. */
  replace(track, media) {
    return this.#own.replace(track, media);
  }

  mine(source) {
    return this.#own.all.filter((track) => track.source === source);
  }

  mute(track, muted) {
    return this.#own.mute(track, muted);
  }

  /** As one who looks after the room: holds back a track of someone else. */
  muteAnother({ id }) {
    return this.#signaling.request("mute", { track: id, muted: true });
  }

  remove(participant) {
    return this.#signaling.request("remove", { participant });
  }

  /** As one who looks after the room: to another one, with the secret of its owner, if we have it. */
  move(participant, room, secret) {
    return this.#signaling.request("move", { participant, room, secret });
  }

  /** Makes a room beside this one. Resolves with its id, and the secret of its owner. */
  makeRoom(name) {
    return this.#signaling.request("create-room", { name, kind: "meeting", started: true });
  }

  lock(locked) {
    return this.#signaling.request("lock-room", { locked });
  }

  /** Whether we choose to receive a track of someone else. */
  wants(track) {
    return this.#wishes.get(wishKey(track)) ?? this.#options.consume;
  }

  /** Receives a track, or drops it. */
  async subscribe(track, wanted) {
    this.#wishes.set(wishKey(track), wanted);
    this.refused.delete(track.id);
    this.changed("tracks");
    if (wanted) await this.#openReceiving();
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
    this.#attached.abort();
    this.#closeMedia();
    this.#options.encryption?.close();
    if (this.room && this.room.state !== "ended" && !this.#isOut) this.#signaling.request("leave").catch(() => {});
    this.#own.close();
  }

  changed(what) {
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }

  /** Whether the connection to the server is lost and sought again; media flows beside it. */
  get isReconnecting() {
    return Boolean(this.#signaling?.isReconnecting);
  }

  /** The two peer connections, as far as they are open. */
  get connections() {
    return { publish: this.#own.pc, receive: this.#receiving?.pc };
  }

  /** What there is in the room. */
  #find({ room, participants, tracks, stage }) {
    this.#signaling.room = room.id;
    this.room = room;
    this.participants = new Map(participants.map((one) => [one.id, { ...one, speaking: false }]));
    this.tracks = new Map(tracks.map((track) => [track.id, track]));
    this.stage = stage;
  }

  #attach(signaling) {
    this.#attached.abort();
    this.#attached = new AbortController();
    this.#signaling = signaling;
    for (const [event, method] of Object.entries(EVENTS)) {
      signaling.addEventListener(event, ({ detail }) => this[method](detail), { signal: this.#attached.signal });
    }
  }

  /** Opens all media anew, as it was. */
  async #restore(staged) {
    const round = ++this.#round;
    const isOld = () => round !== this.#round || this.#stop.signal.aborted;
    try {
      if (this.#options.consume) await this.#untilWorker(isOld, () => this.#openReceiving());
      for (const track of this.tracks.values()) if (!isOld()) await this.#applyWish(track);
      await this.#publishAgain(isOld);
      if (!isOld() && staged?.transceiver && this.mayStage) await this.putOnStage(staged);
    } catch (error) {
      if (!isOld()) this.#problem(error);
    }
  }

  async #publishAgain(isOld) {
    for (const track of this.#own.unpublished) {
      if (isOld() || (!this.mayPublish && this.me?.presence !== "in-call")) return;
      try {
        await this.#untilWorker(isOld, () => this.#own.send(this, track));
      } catch (error) {
        if (isOld()) return;
        // What nobody may see stays open no longer.
        await this.unpublish(track);
        this.#problem(error);
      }
    }
  }

  /** Tries again while no media worker runs, for half a minute. */
  async #untilWorker(isOld, action) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await action();
      } catch (error) {
        if (error.code !== "no-worker" || attempt === 30 || isOld()) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000));
        if (isOld()) throw error;
      }
    }
  }

  /** Opens the receiving connection, unless it is open. */
  async #openReceiving() {
    this.#receiving ??= this.#newReceiving();
    const receiving = this.#receiving;
    try {
      await receiving.open();
    } catch (error) {
      receiving.close();
      if (this.#receiving === receiving) this.#receiving = null;
      throw error;
    }
  }

  #newReceiving() {
    const receiving = new ReceiveConnection(this.#signaling, this.#options.encryption);
    receiving.addEventListener("tracks", ({ detail: receivers }) => {
      for (const track of this.tracks.values()) {
        if (!track.media) track.receiver = receivers.get(track.id);
      }
      this.changed("tracks");
    });
    receiving.addEventListener("path", ({ detail }) => this.#pathChanged(detail));
    return receiving;
  }

  #closeMedia() {
    this.#round++;
    this.#own.disconnect();
    this.#receiving?.close();
    this.#receiving = null;
    this.unreadable.clear();
    for (const track of this.tracks.values()) delete track.receiver;
  }

  #pathChanged(pc) {
    if (pc.connectionState === "connected") this.#isToldOfPath = false;
    if (pc.connectionState === "failed" && !this.#isToldOfPath) {
      this.#isToldOfPath = true;
      const places = [...new Set(candidates(pc).map(({ address, port, protocol }) => `${address}:${port} (${protocol})`))];
      this.#problem(new Error(`Sound and pictures find no way to the server at ${places.join(", ")}: ` +
        "a firewall stands between, or the server announces a wrong address. Trying again…"));
    }
    this.changed("path");
  }

  /** With `consume` the server sends every track, without it none. This requests what the user chose
      otherwise. */
  async #applyWish(track) {
    if (track.media || this.wants(track) === this.#options.consume) return;
    await this.subscribe(track, this.wants(track)).catch((error) => this.#problem(error));
  }

  #addChat(messages) {
    const key = ({ from, time, text }) => `${from} ${time} ${text}`;
    const known = new Set(this.chat.map(key));
    for (const message of messages.filter((one) => !known.has(key(one)))) this.chatted(message);
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

  participantChanged(participant) {
    const { speaking } = this.participants.get(participant.id) ?? { speaking: false };
    this.participants.set(participant.id, { ...participant, speaking });
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
    if (one === this.me && presence === "in-call" && this.#own.unpublished.length > 0) this.#restore();
  }

  callStarted() {
    this.room.state = "in-call";
    this.changed("room");
  }

  callRinging() {
    this.dispatchEvent(new CustomEvent("ringing"));
  }

  roomChanged(room) {
    this.room = room;
    this.changed("room");
  }

  /** We are out, and the room goes on. */
  removed(detail) {
    this.#closeMedia();
    this.#isOut = true;
    this.dispatchEvent(new CustomEvent("removed", { detail }));
  }

  /** We are in another room by another's doing. What is open is published there, as it was, if we may. */
  moved({ by, ...found }) {
    const who = this.participants.get(by)?.name;
    this.#closeMedia();
    this.#own.forget(this.#signaling);
    this.refused.clear();
    this.#wishes.clear();
    this.#find(found);
    // Where one only watches, no button would turn them off.
    if (!this.mayShow) this.#own.close();
    this.chat = found.chat;
    this.dispatchEvent(new CustomEvent("moved", { detail: who }));
    this.changed("room");
    return this.#restore();
  }

  roomEnded() {
    this.room.state = "ended";
    this.#closeMedia();
    this.dispatchEvent(new CustomEvent("ended"));
  }

  trackPublished(track) {
    this.tracks.set(track.id, track);
    this.changed("tracks");
    this.#applyWish(track);
  }

  trackClosed({ track }) {
    this.tracks.delete(track);
    this.refused.delete(track);
    this.unreadable.delete(track);
    this.changed("tracks");
  }

  trackMuted({ track, muted, by }) {
    const one = this.tracks.get(track);
    if (one && !one.media) one.muted = muted;
    // What we have done ourselves is done; another can only mute.
    const own = muted && by !== this.#me ? this.#own.mutedByAnother(track) : undefined;
    if (own) this.dispatchEvent(new CustomEvent("muted", { detail: { track: own, by } }));
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
    const receiving = this.#receiving;
    // What is asked over a connection that another has replaced may fail.
    receiving?.offer(offer).catch((error) => {
      if (receiving === this.#receiving) this.#problem(error);
    });
  }

  trackRefused({ track }) {
    this.refused.add(track);
    this.changed("tracks");
  }

  /** The media worker has died: everything is opened and published anew. */
  mediaLost() {
    const staged = this.#own.all.find(({ id }) => id && id === this.stage);
    for (const { id } of this.#own.all) this.tracks.delete(id);
    this.#closeMedia();
    this.#own.forget(this.#signaling);
    this.changed("tracks");
    return this.#restore(staged);
  }

  closing({ reason }) {
    this.dispatchEvent(new CustomEvent("closing", { detail: reason }));
  }

  reconnecting() {
    this.changed("path");
  }

  /** Nothing was missed. A network that has changed may have cut off media too. */
  resumed() {
    for (const connection of [this.#own, this.#receiving]) {
      if (connection?.pc?.connectionState === "disconnected") connection.restart();
    }
    this.changed("path");
  }

  signalingLost() {
    this.#attached.abort();
    this.#closeMedia();
    this.changed("tracks");
    this.dispatchEvent(new CustomEvent("lost"));
  }

  #problem(error) {
    this.dispatchEvent(new CustomEvent("problem", { detail: error }));
  }
}

/** Stays the same when a track is published again, for example a camera that was off for a while. */
function wishKey({ participant, source, label }) {
  return `${participant} ${source} ${label}`;
}

/** Where the server says that it is to be found. */
function candidates(pc) {
  const lines = pc.remoteDescription?.sdp.match(/^a=candidate:.*$/gm) ?? [];
  const fields = lines.map((line) => line.split(" "));
  return fields.map(([, , protocol, , address, port]) => ({ protocol: protocol.toUpperCase(), address, port }));
}

const EVENTS = {
  "participant-joined": "joined",
  "participant-changed": "participantChanged",
  "participant-left": "left",
  presence: "presence",
  "call-started": "callStarted",
  "call-ringing": "callRinging",
  "room-changed": "roomChanged",
  "room-ended": "roomEnded",
  removed: "removed",
  moved: "moved",
  "track-published": "trackPublished",
  "track-closed": "trackClosed",
  "track-muted": "trackMuted",
  stage: "staged",
  chat: "chatted",
  offer: "offered",
  "track-refused": "trackRefused",
  "media-lost": "mediaLost",
  closing: "closing",
  reconnecting: "reconnecting",
  resumed: "resumed",
  lost: "signalingLost",
};
