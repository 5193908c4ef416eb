// The two peer connections of a participant: one publishes and offers, the other receives and
// answers. Each does one negotiation at a time.

import { protect, unprotect, peerConnectionOptions } from "./encryption.js";

/** Runs tasks one after the other. */
class Line {
  #last = Promise.resolve();

  run(task) {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** Restarts ICE when a connection has failed, or has been silent for some seconds; tells of every
    change by an event `path` of the connection. */
function watchPath(connection) {
  const { pc } = connection;
  let timer = 0;
  pc.addEventListener("connectionstatechange", () => {
    clearTimeout(timer);
    if (pc.connectionState === "failed") connection.restart();
    if (pc.connectionState === "disconnected") timer = setTimeout(() => connection.restart(), 4000);
    connection.dispatchEvent(new CustomEvent("path", { detail: pc }));
  });
}

/** Dispatches `path` (detail: the peer connection) when its state has changed. */
export class PublishConnection extends EventTarget {
  #signaling;
  #encryption;
  #line = new Line();
  #pc;

  constructor(signaling, encryption) {
    super();
    this.#signaling = signaling;
    this.#encryption = encryption;
    this.#pc = new RTCPeerConnection({ ...peerConnectionOptions(encryption), iceServers: signaling.iceServers });
    this.#pc.addEventListener("icecandidate", ({ candidate }) => sendCandidate(signaling, "publish", candidate));
    watchPath(this);
  }

  get pc() {
    return this.#pc;
  }

  /** Publishes a track; resolves with `{ id, transceiver }`. */
  add(track, { source, label = "", muted = false }) {
    return this.#line.run(async () => {
      const transceiver = this.#transceiver(track, source);
      await this.#negotiate(() => [{ mid: transceiver.mid, source, label, muted }]).catch((error) => {
        release(transceiver);
        throw error;
      });
      const id = this.#tracks.get(transceiver.mid);
      if (!id) {
        release(transceiver);
        throw new Error(this.#refused.get(transceiver.mid) ?? "The server does not take this track.");
      }
      return { id, transceiver };
    });
  }

  /** Publishes it no more. */
  remove(transceiver) {
    return this.#line.run(async () => {
      release(transceiver);
      if (this.#pc.signalingState !== "closed") await this.#negotiate(() => []);
    });
  }

  /** New ICE credentials, for a network that has changed. */
  restart() {
    return this.#line.run(async () => {
      if (this.#pc.signalingState === "closed" || !this.#pc.remoteDescription) return;
      this.#pc.restartIce();
      await this.#negotiate(() => []);
    }).catch(() => {});
  }

  close() {
    this.#pc.close();
  }

  #tracks = new Map();
  #refused = new Map();

  /** A section that was used before and is free, or a new one. */
  #transceiver(track, source) {
    const free = this.#pc.getTransceivers().find((one) =>
      one.direction === "inactive" && one.receiver.track.kind === track.kind && !one.sender.track);
    let transceiver = free;
    if (free) {
      free.direction = "sendonly";
      free.sender.replaceTrack(track);
    } else {
      transceiver = this.#pc.addTransceiver(track, { direction: "sendonly", sendEncodings: [{ maxBitrate: MAX_BITRATE[source] }] });
      if (this.#encryption) protect(this.#encryption, transceiver, track.kind);
    }
    return transceiver;
  }

  async #negotiate(announced) {
    await this.#pc.setLocalDescription();
    const { sdp } = this.#pc.localDescription;
    try {
      const answer = await this.#signaling.request("publish", { sdp, tracks: announced() });
      this.#tracks = new Map(answer.tracks.map(({ mid, track }) => [mid, track]));
      this.#refused = new Map(answer.refused.map(({ mid, message }) => [mid, message]));
      await this.#pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    } catch (error) {
      if (this.#pc.signalingState === "have-local-offer") await this.#pc.setLocalDescription({ type: "rollback" });
      throw error;
    }
  }
}

/** Dispatches `tracks` (detail: receivers by track), and `path` as the other does. */
export class ReceiveConnection extends EventTarget {
  #signaling;
  #encryption;
  #line = new Line();
  #pc;
  #opened;

  constructor(signaling, encryption) {
    super();
    this.#signaling = signaling;
    this.#encryption = encryption;
    this.#pc = new RTCPeerConnection({ ...peerConnectionOptions(encryption), iceServers: signaling.iceServers });
    this.#pc.addEventListener("icecandidate", ({ candidate }) => sendCandidate(signaling, "receive", candidate));
    watchPath(this);
  }

  get pc() {
    return this.#pc;
  }

  /** Tells the server what this browser can receive, once; offers follow. */
  open() {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open() {
    const probe = new RTCPeerConnection();
    for (const kind of ["audio", "video"]) probe.addTransceiver(kind, { direction: "recvonly" });
    const { sdp } = await probe.createOffer();
    probe.close();
    await this.#signaling.request("receive", { sdp });
  }

  /** Answers an offer, then dispatches `tracks` with the receivers by track. */
  offer({ offer, sdp, tracks }) {
    return this.#line.run(async () => {
      if (this.#pc.signalingState === "closed") return;
      if (this.#pc.signalingState === "have-remote-offer") await this.#pc.setRemoteDescription({ type: "rollback" });
      await this.#pc.setRemoteDescription({ type: "offer", sdp });
      const sections = new Map(this.#pc.getTransceivers().map((one) => [one.mid, one]));
      const receivers = new Map();
      for (const { mid, track } of tracks) {
        const transceiver = sections.get(mid);
        if (!transceiver) continue;
        if (this.#encryption) unprotect(this.#encryption, transceiver.receiver);
        receivers.set(track, transceiver.receiver);
      }
      await this.#pc.setLocalDescription();
      this.dispatchEvent(new CustomEvent("tracks", { detail: receivers }));
      await this.#signaling.request("answer", { offer, sdp: this.#pc.localDescription.sdp });
    });
  }

  restart() {
    return this.#signaling.request("restart-ice").catch(() => {});
  }

  close() {
    this.#pc.close();
  }
}

function release(transceiver) {
  if (transceiver.stopped) return;
  transceiver.sender.replaceTrack(null).catch(() => {});
  transceiver.direction = "inactive";
}

function sendCandidate(signaling, connection, candidate) {
  // The server does not need candidates. It gets them because the protocol has them.
  signaling.request("candidate", { connection, candidate: candidate?.candidate ?? "" }).catch(() => {});
}

const MAX_BITRATE = {
  microphone: 64_000,
  camera: 1_500_000,
  screen: 3_000_000,
  "screen-audio": 128_000,
};
