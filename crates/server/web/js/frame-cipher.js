// AES-256-GCM over encoded frames:
//
//   clear header | ciphertext and tag | nonce (12 bytes) | version (1 byte)
//
// The clear header is what a forwarding server must see, and is authenticated: ten bytes of a VP8
// key frame, three of other VP8 frames (RFC 7741), one of Opus. Every sender draws eight random
// bytes and counts its frames in the other four of the nonce, so that a nonce never comes twice
// under the key that all share.

const VERSION = 1;
const NONCE_LENGTH = 12;
const TRAILER_LENGTH = NONCE_LENGTH + 1;
const TAG_LENGTH = 16;

export class FrameCipher {
  #key;
  #prefix;
  #counter;

  /** Derives the key; the room's id is the salt, so that a passphrase differs from room to room. */
  static async create(passphrase, room) {
    const text = new TextEncoder();
    const secret = await crypto.subtle.importKey("raw", text.encode(passphrase), "PBKDF2", false, ["deriveKey"]);
    const salt = text.encode(`tureen/1/${room}`);
    const key = await crypto.subtle.deriveKey(
      { name: "PBKDF2", hash: "SHA-256", salt, iterations: 600_000 },
      secret,
      { name: "AES-GCM", length: 256 },
      false,
      ["encrypt", "decrypt"],
    );
    return new FrameCipher(key);
  }

  constructor(key) {
    this.#key = key;
    this.#draw();
    this.bound = { encrypt: this.encrypt.bind(this), decrypt: this.decrypt.bind(this) };
  }

  async encrypt(frame, kind, type) {
    const nonce = this.#nonce();
    const clear = frame.subarray(0, clearLength(kind, type, frame.length));
    const options = { name: "AES-GCM", iv: nonce, additionalData: clear };
    const hidden = await crypto.subtle.encrypt(options, this.#key, frame.subarray(clear.length));
    return join(clear, new Uint8Array(hidden), nonce, Uint8Array.of(VERSION));
  }

  /** The frame as it was, or null when it was made with another key, or is none of ours. */
  async decrypt(frame, kind, type) {
    const clear = frame.subarray(0, clearLength(kind, type, frame.length));
    const end = frame.length - TRAILER_LENGTH;
    if (frame.at(-1) !== VERSION || end < clear.length + TAG_LENGTH) return null;
    const nonce = frame.slice(end, end + NONCE_LENGTH);
    const options = { name: "AES-GCM", iv: nonce, additionalData: clear };
    try {
      const shown = await crypto.subtle.decrypt(options, this.#key, frame.subarray(clear.length, end));
      return join(clear, new Uint8Array(shown));
    } catch {
      return null;
    }
  }

  #nonce() {
    if (this.#counter > 0xffff_ffff) this.#draw();
    const nonce = new Uint8Array(NONCE_LENGTH);
    nonce.set(this.#prefix);
    new DataView(nonce.buffer).setUint32(8, this.#counter++);
    return nonce;
  }

  #draw() {
    this.#prefix = crypto.getRandomValues(new Uint8Array(8));
    this.#counter = 0;
  }
}

function clearLength(kind, type, length) {
  const wanted = kind === "audio" ? 1 : type === "key" ? 10 : 3;
  return Math.min(wanted, length);
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
