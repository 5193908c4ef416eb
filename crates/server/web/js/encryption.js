// End-to-end encryption of media: frames are encrypted in the browser before they are packed into
// packets, with a key that everyone derives from the same passphrase. The server forwards what it
// cannot read. The cipher itself is in frame-cipher.js and runs in a worker.

/** Whether this browser can. */
export const canEncrypt = "RTCRtpScriptTransform" in globalThis ||
  "createEncodedStreams" in (globalThis.RTCRtpSender?.prototype ?? {});

/** The key of a room's passphrase, and the worker that uses it. */
export class Encryption extends EventTarget {
  worker = new Worker("/static/js/encryption-worker.js", { type: "module" });
  /** Receivers and senders that have their transform. */
  taken = new WeakSet();
  #next = 1;
  #receivers = new Map();

  constructor(passphrase, room) {
    super();
    this.worker.postMessage({ type: "key", passphrase, room });
    this.worker.addEventListener("message", ({ data }) => {
      const receiver = this.#receivers.get(data.id);
      if (receiver) this.dispatchEvent(new CustomEvent("readable", { detail: { receiver, readable: data.readable } }));
    });
  }

  name(receiver) {
    const id = this.#next++;
    // Those of connections that have closed never say anything again.
    for (const [old, { track }] of this.#receivers) {
      if (track.readyState === "ended") this.#receivers.delete(old);
    }
    this.#receivers.set(id, receiver);
    return id;
  }

  close() {
    this.worker.terminate();
  }
}

/** Options of a connection that is to carry encrypted frames. */
export function peerConnectionOptions(encryption) {
  return encryption && !("RTCRtpScriptTransform" in globalThis) ? { encodedInsertableStreams: true } : {};
}

/** Encrypts what a transceiver sends. */
export function protect(encryption, transceiver, kind) {
  if (kind === "video") {
    // The cipher leaves in the clear what a server must see of VP8, and of VP8 only.
    const codecs = RTCRtpSender.getCapabilities("video").codecs.filter(({ mimeType }) =>
      ["video/vp8", "video/rtx"].includes(mimeType.toLowerCase()));
    transceiver.setCodecPreferences(codecs);
  }
  transform(encryption, transceiver.sender, { operation: "encrypt", kind });
}

/** Decrypts what a receiver receives. */
export function unprotect(encryption, receiver) {
  transform(encryption, receiver, { operation: "decrypt", kind: receiver.track.kind });
}

function transform(encryption, party, options) {
  if (encryption.taken.has(party)) return;
  encryption.taken.add(party);
  const task = { ...options };
  // What is sent is always readable.
  if (options.operation === "decrypt") task.id = encryption.name(party);
  if ("RTCRtpScriptTransform" in globalThis) {
    party.transform = new RTCRtpScriptTransform(encryption.worker, task);
  } else {
    const { readable, writable } = party.createEncodedStreams();
    encryption.worker.postMessage({ type: "streams", task, readable, writable }, [readable, writable]);
  }
}
