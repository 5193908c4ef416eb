// The signaling connection: requests with answers, and events. See SIGNALING.md of the server.

import { pause } from "./reconnect.js";
import { token } from "./token.js";

const VERSION = 1;
/** How long an answer may take, in milliseconds. */
const PATIENCE = 20_000;
/** After so long without a word from the server it is asked whether it is there, in milliseconds. */
const SILENCE = 5000;
/** How long the answer to that may take, and an attempt to come back, in milliseconds. */
const SHORT_PATIENCE = 5000;
/** The longest pause between attempts to come back, in milliseconds. */
const LONGEST_PAUSE = 3000;
/** The close code of one who gives up a connection and comes back over another. */
const GIVEN_UP = 4000;

/** Reasons of `closing` after which the server keeps our place. */
const KEEPS_PLACE = new Set(["vanished", "too-slow"]);

/** A refusal by the server: `code` for programs, `message` for people. */
export class Refused extends Error {
  constructor({ code, message }) {
    super(message);
    this.code = code;
  }
}

/**
 * One session. Dispatches an event of the name of each server event, with `detail`. When its
 * connection is lost, it goes on over another: `reconnecting`, and then `resumed`, with nothing
 * missed in between; or `lost` when the session has ended without `close()`.
 */
export class Signaling extends EventTarget {
  #socket = null;
  #next = 1;
  /** Requests without an answer by their ids, which grow: text, resolve, reject, patience, timer. */
  #waiting = new Map();
  #isOver = false;
  /** To come back with, once we are online. */
  #secret = "";
  /** For so many milliseconds the server keeps our place. */
  #window = 0;
  /** Frames since the answer to hello. */
  #received = 0;
  /** When the server last said something. */
  #heard = 0;
  #isComingBack = false;
  #watch = new AbortController();
  /** Our own id. */
  me = "";
  /** The room that requests are for. Nothing that was on its way is done in another. */
  room = undefined;
  limits = { name: 64, chat: 2000 };
  /** STUN and TURN servers, for RTCPeerConnection. */
  iceServers = [];

  /** Connects, and says hello under this name, if there is one. */
  async open(name) {
    this.#use(await connect());
    if (name === undefined) return;
    const hello = await this.request("hello", { version: VERSION, name, token });
    this.me = hello.you;
    this.limits = { name: hello.maxNameLength, chat: hello.maxChatLength };
    this.iceServers = hello.iceServers ?? [];
    this.#watchSilence();
  }

  /** Whether the connection is lost, and another is sought. */
  get isReconnecting() {
    return this.#isComingBack;
  }

  /** Asks for something; resolves with the answer, rejects with `Refused`. Waits for a connection
      if there is none at the moment. */
  request(type, data) {
    return this.#ask(type, data, PATIENCE);
  }

  /** Ends the session. */
  close() {
    this.#end();
    this.#socket?.close();
  }

  #ask(type, data, patience) {
    if (this.#isOver || !this.#socket) {
      return Promise.reject(new Error("There is no connection to the server."));
    }
    const id = this.#next++;
    const text = JSON.stringify({ id, type, room: this.room, data });
    return new Promise((resolve, reject) => {
      const request = { text, resolve, reject, patience, timer: 0 };
      this.#waiting.set(id, request);
      if (!this.#isComingBack) this.#send(request);
    });
  }

  #send(request) {
    this.#socket.send(request.text);
    this.#expect(request);
  }

  /** A path that is gone without a word is found out by the answer that does not come. */
  #expect(request) {
    clearTimeout(request.timer);
    request.timer = setTimeout(() => this.#giveUp(), request.patience);
  }

  /** Takes over a socket that is open. */
  #use(socket) {
    this.#socket = socket;
    this.#heard = Date.now();
    socket.addEventListener("message", ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data)));
    socket.addEventListener("close", () => socket === this.#socket && this.#lose());
  }

  #receive(frame) {
    if (this.#isOver) return;
    this.#heard = Date.now();
    // `closing` belongs to the connection, not to the session, so it is not counted.
    if (frame.event !== "closing") this.#received++;
    if (frame.event) {
      // Whoever has sent us away does not take us back.
      if (frame.event === "closing" && !KEEPS_PLACE.has(frame.data.reason)) this.#secret = "";
      this.dispatchEvent(new CustomEvent(frame.event, { detail: frame.data }));
      return;
    }
    const waiting = this.#waiting.get(frame.id);
    this.#waiting.delete(frame.id);
    clearTimeout(waiting?.timer);
    if (frame.ok?.resume) {
      this.#secret = frame.ok.resume;
      this.#window = frame.ok.resumeTimeout * 1000;
      this.#received = 0;
    }
    if (frame.error) waiting?.reject(new Refused(frame.error));
    else waiting?.resolve(frame.ok);
  }

  /** Asks a server that says nothing whether it is there: now and then, and when the network changes. */
  #watchSilence() {
    const { signal } = this.#watch;
    const ask = () => !this.#isComingBack && this.#ask("ping", undefined, SHORT_PATIENCE).catch(() => {});
    const timer = setInterval(() => Date.now() - this.#heard >= SILENCE && ask(), SILENCE);
    signal.addEventListener("abort", () => clearInterval(timer));
    globalThis.addEventListener("online", ask, { signal });
    navigator.connection?.addEventListener?.("change", ask, { signal });
  }

  #giveUp() {
    this.#socket.close(GIVEN_UP);
    this.#lose();
  }

  #lose() {
    if (this.#isOver || this.#isComingBack) return;
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    if (this.#secret && this.#window > 0) this.#comeBack();
    else this.#endLost();
  }

  /** Goes on over another connection, for as long as the server keeps our place. */
  async #comeBack() {
    this.#isComingBack = true;
    const deadline = Date.now() + this.#window;
    this.dispatchEvent(new CustomEvent("reconnecting"));
    for (let delay = 100; !this.#isOver && Date.now() < deadline; delay = Math.min(delay * 2, LONGEST_PAUSE)) {
      try {
        await this.#resume();
        return;
      } catch (error) {
        if (error instanceof Refused) break;
      }
      await pause(delay);
    }
    this.#endLost();
  }

  /** One attempt. What the server has not done by now is asked again, in order. */
  async #resume() {
    const socket = await connect();
    const last = await resumed(socket, { secret: this.#secret, received: this.#received });
    if (this.#isOver) {
      socket.close();
      return;
    }
    this.#secret = last.resume;
    this.#isComingBack = false;
    this.#use(socket);
    for (const [id, request] of this.#waiting) {
      if (id > (last.lastRequest ?? 0)) this.#send(request);
      else this.#expect(request);
    }
    this.dispatchEvent(new CustomEvent("resumed"));
  }

  #endLost() {
    if (this.#isOver) return;
    this.#end();
    this.dispatchEvent(new CustomEvent("lost"));
  }

  #end() {
    this.#isOver = true;
    this.#isComingBack = false;
    this.#watch.abort();
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Error("The connection to the server is lost."));
    }
    this.#waiting.clear();
  }
}

/** A socket that is open. */
function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws`);
  return within(socket, new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(socket), { once: true });
    socket.addEventListener("error", () => reject(new Error("The server cannot be reached.")), { once: true });
  }));
}

/** Asks for our session over this socket. Resolves with the answer, before anything else arrives. */
function resumed(socket, data) {
  return within(socket, new Promise((resolve, reject) => {
    socket.addEventListener("message", ({ data: text }) => {
      const { ok, error } = JSON.parse(text);
      if (ok) resolve(ok);
      else reject(error ? new Refused(error) : new Error("The server does not answer."));
    }, { once: true });
    socket.addEventListener("close", () => reject(new Error("The server cannot be reached.")), { once: true });
    socket.send(JSON.stringify({ id: 0, type: "resume", data }));
  }));
}

/** Gives up a socket that does not come so far in time. */
async function within(socket, promise) {
  let timer;
  const over = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("The server does not answer.")), SHORT_PATIENCE);
  });
  try {
    return await Promise.race([promise, over]);
  } catch (error) {
    socket.close(GIVEN_UP);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
