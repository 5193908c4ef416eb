// The tracks of one's own: cameras, microphones and screens that are open in this browser. They
// outlive the connections on which they are published, and are published on the next as they were.

import { PublishConnection } from "./connection.js";

/**
 * A track: participant, kind, source, label, muted, media; once it is published, id and transceiver.
 *
 * Events: `change`, `lost` (detail: a track whose device is gone), `path` (detail: the connection,
 * whose state has changed).
 */
export class OwnTracks extends EventTarget {
  #list = new Set();
  #signaling = null;
  #encryption;
  #connection = null;
  /** Tracks that are being published, with the connection. */
  #sending = new Map();

  constructor(encryption) {
    super();
    this.#encryption = encryption;
  }

  get all() {
    return [...this.#list];
  }

  /** Those that nobody can see at present. */
  get unpublished() {
    return this.all.filter((track) => !track.transceiver && (!this.#connection || this.#sending.get(track) !== this.#connection));
  }

  get pc() {
    return this.#connection?.pc;
  }

  /** Publishes a track in a call. Resolves with its entry. */
  async publish(call, media, { source, label = "", muted = false }) {
    const track = { participant: this.#signaling.me, kind: media.kind, source, label, muted, media };
    this.#list.add(track);
    this.#watch(track, media);
    try {
      await this.send(call, track);
    } catch (error) {
      this.#list.delete(track);
      throw error;
    }
    return track;
  }

  /** Sends a track that is open, and enters it into the call's tracks. */
  async send(call, track) {
    this.#connection ??= this.#open();
    const connection = this.#connection;
    const { media, muted } = track;
    this.#sending.set(track, connection);
    const sent = await connection.add(media, track).catch((error) => {
      if (connection === this.#connection) throw error;
    }).finally(() => {
      if (this.#sending.get(track) === connection) this.#sending.delete(track);
    });
    // Another connection takes its place, and publishes the track itself.
    if (connection !== this.#connection) return;
    const { id, transceiver } = sent;
    if (!this.#list.has(track)) {
      await connection.remove(transceiver);
      return;
    }
    Object.assign(track, { id, transceiver, participant: this.#signaling.me });
    call.tracks.set(id, track);
    this.#changed();
    // What the user has done meanwhile.
    if (track.media !== media) await transceiver.sender.replaceTrack(track.media);
    if (track.muted !== muted) await this.#tellMuted(track);
  }

  async unpublish(track) {
    this.#list.delete(track);
    track.media.stop();
    this.#changed();
    if (track.transceiver) await this.#connection?.remove(track.transceiver);
  }

  /** Another device for a track. */
  async replace(track, media) {
    // One who is muted stays muted from the first sample on.
    media.enabled = !track.muted;
    try {
      await track.transceiver?.sender.replaceTrack(media);
    } catch (error) {
      media.stop();
      throw error;
    }
    if (!this.#list.has(track)) {
      media.stop();
      return;
    }
    track.media.stop();
    track.media = media;
    this.#watch(track, media);
    this.#changed();
  }

  async mute(track, muted) {
    track.media.enabled = !muted;
    track.muted = muted;
    this.#changed();
    if (track.transceiver) await this.#tellMuted(track);
  }

  /** Someone who looks after the room has muted a track of ours. Returns the track, if it is one. */
  mutedByAnother(id) {
    const track = this.all.find((one) => one.id === id);
    if (!track) return undefined;
    track.media.enabled = false;
    track.muted = true;
    this.#changed();
    return track;
  }

  restart() {
    this.#connection?.restart();
  }

  /** The connection is gone; the devices stay open. */
  disconnect() {
    this.#connection?.close();
    this.#connection = null;
    for (const track of this.#list) delete track.transceiver;
  }

  /** None of them is known to the server any more; they are published over this signaling from now on. */
  forget(signaling) {
    this.disconnect();
    this.#signaling = signaling;
    for (const track of this.#list) delete track.id;
  }

  close() {
    this.disconnect();
    for (const track of this.#list) track.media.stop();
    this.#list.clear();
  }

  #open() {
    const connection = new PublishConnection(this.#signaling, this.#encryption);
    connection.addEventListener("path", ({ detail }) => this.dispatchEvent(new CustomEvent("path", { detail })));
    return connection;
  }

  /** A device may be unplugged, and a screen stopped by the browser's own button. */
  #watch(track, media) {
    media.addEventListener("ended", () => {
      if (track.media === media && this.#list.has(track)) this.dispatchEvent(new CustomEvent("lost", { detail: track }));
    });
  }

  #tellMuted({ id, muted }) {
    return this.#signaling.request("mute", { track: id, muted });
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
