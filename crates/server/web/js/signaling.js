// The signaling connection: requests with answers, and events. See SIGNALING.md of the server.

import { token } from "./token.js";

const VERSION = 1;
/** How long an answer may take, in milliseconds. */
const PATIENCE = 20_000;

/** A refusal by the server: `code` for programs, `message` for people. */
export class Refused extends Error {
  constructor({ code, message }) {
    super(message);
    this.code = code;
  }
}

/**
 * One connection. Dispatches an event of the name of each server event, with `detail`, and `lost`
 * when the connection has ended without `close()`.
 */
export class Signaling extends EventTarget {
  #socket;
  #next = 1;
  #waiting = new Map();
  #closed = false;
  #isOver = false;
  /** Our own id. */
  me = "";
  limits = { name: 64, chat: 2000 };

  /** Connects, and says hello under this name, if there is one. */
  async open(name) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#socket = new WebSocket(`${scheme}://${location.host}/ws`);
    await new Promise((resolve, reject) => {
      this.#socket.addEventListener("open", resolve, { once: true });
      this.#socket.addEventListener("error", () => reject(new Error("The server cannot be reached.")), { once: true });
    });
    this.#socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
    this.#socket.addEventListener("close", () => this.#lost());
    if (name === undefined) return;
    const hello = await this.request("hello", { version: VERSION, name, token });
    this.me = hello.you;
    this.limits = { name: hello.maxNameLength, chat: hello.maxChatLength };
  }

  /** Asks for something; resolves with the answer, rejects with `Refused`. */
  request(type, data) {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Error("There is no connection to the server."));
    }
    const id = this.#next++;
    this.#socket.send(JSON.stringify(data === undefined ? { id, type } : { id, type, data }));
    // A path that is gone without a word is found out by the answer that does not come.
    const timer = setTimeout(() => this.#giveUp(), PATIENCE);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
      .finally(() => clearTimeout(timer));
  }

  close() {
    this.#closed = true;
    this.#socket?.close();
  }

  #receive(frame) {
    if (frame.event) {
      this.dispatchEvent(new CustomEvent(frame.event, { detail: frame.data }));
      return;
    }
    const waiting = this.#waiting.get(frame.id);
    this.#waiting.delete(frame.id);
    if (frame.error) waiting?.reject(new Refused(frame.error));
    else waiting?.resolve(frame.ok);
  }

  #giveUp() {
    this.#socket.close();
    this.#lost();
  }

  #lost() {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { reject } of this.#waiting.values()) reject(new Error("The connection to the server is lost."));
    this.#waiting.clear();
    if (!this.#closed) this.dispatchEvent(new CustomEvent("lost"));
  }
}
