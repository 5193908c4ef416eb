// From the address to a view: `/` is the lobby, `/room/ID` a room. `?produce=false` comes without
// devices, `?consume=false` receives nothing, `?forceTcp=true` sends all media over TCP. What
// stands behind `#key=` is the passphrase of an encrypted room, empty to be asked for it; browsers
// never send it.

import { Call } from "./call.js";
import { openDevice } from "./devices.js";
import { ask, el, notify } from "./dom.js";
import { showDoor } from "./door.js";
import { canEncrypt, Encryption } from "./encryption.js";
import { showLobby, welcome } from "./lobby.js";
import { showRoom } from "./room.js";
import { Signaling } from "./signaling.js";
import { store } from "./store.js";

const root = document.getElementById("app");

async function start() {
  const room = location.pathname.match(/^\/room\/([A-Za-z0-9_-]{1,64})$/)?.[1];
  if (room) await visitRoom(room);
  else await visitLobby();
}

// ---- the lobby ----

async function visitLobby() {
  document.title = "Tureen";
  const signaling = await connect();
  const leave = () => {
    close();
    signaling.close();
  };
  const enter = (room, { direct, passphrase, watch }) => {
    leave();
    // The same document: it remembers that the user has clicked, and may play sound.
    const hash = passphrase === undefined ? "" : `#${new URLSearchParams({ key: passphrase })}`;
    history.pushState(null, "", `/room/${room}${watch ? "?produce=false" : ""}${hash}`);
    visitRoom(room, direct);
  };
  const close = showLobby(root, signaling, enter, () => {
    store.name = "";
    leave();
    visitLobby();
  });
  signaling.addEventListener("lost", () => reconnect(visitLobby));
  addEventListener("pagehide", () => signaling.close(), { once: true });
}

/** Connects under the name that is remembered, or asks for one until the server takes it. */
async function connect() {
  let problem;
  for (;;) {
    const remembered = store.name;
    const name = remembered || (await welcome(root, problem));
    const signaling = new Signaling();
    try {
      await signaling.open(name);
      // Another tab may have taken another name since it was read.
      if (!remembered) store.name = name;
      return signaling;
    } catch (error) {
      signaling.close();
      if (error.code !== "bad-name") {
        await unreachable(error);
        continue;
      }
      problem = error.message;
      store.name = "";
    }
  }
}

// ---- a room ----

async function visitRoom(room, direct = false) {
  const query = new URLSearchParams(location.search);
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  const options = {
    room,
    produce: query.get("produce") !== "false",
    consume: query.get("consume") !== "false",
    forceTcp: query.get("forceTcp") === "true",
    passphrase: key ?? "",
  };
  let encrypted = key !== null;
  let problem;
  for (;;) {
    const entry = direct && !problem ? await straightIn() : await showDoor(root, { ...options, problem, encrypted });
    try {
      await enterRoom(room, options, entry);
      return;
    } catch (error) {
      for (const track of Object.values(entry.tracks)) track?.stop();
      if (error.code === "room-ended") {
        farewell("This room has ended", "Its owner has closed it for everyone.");
        return;
      }
      if (error.code === "wrong-secret") store.setSecret(room, "");
      if (error instanceof PassphraseMissing) encrypted = true;
      problem = error.message;
    }
  }
}

/** Into a call that was rung and answered: with whatever devices there are. */
async function straightIn() {
  return { name: store.name, passphrase: "", viewer: false, tracks: await openDevices() };
}

async function openDevices() {
  const open = (kind) => openDevice(kind).catch(() => null);
  const [audio, video] = await Promise.all([open("audio"), open("video")]);
  return { audio, video };
}

class PassphraseMissing extends Error {}

async function enterRoom(room, options, entry) {
  const signaling = new Signaling();
  await signaling.open(entry.name);
  const encryption = entry.passphrase ? new Encryption(entry.passphrase, room) : null;
  const call = new Call(signaling, {
    consume: options.consume,
    forceTcp: options.forceTcp,
    viewer: entry.viewer,
    encryption,
  });
  try {
    const open = { name: room, kind: "meeting", listed: false, encrypted: Boolean(encryption), started: true };
    const secret = await call.join(room, { secret: store.secret(room), open });
    if (secret) store.setSecret(room, secret);
    if (call.room.encrypted && !encryption) {
      throw new PassphraseMissing(canEncrypt
        ? "This room is encrypted end to end: give its passphrase."
        : "This room is encrypted end to end, which this browser cannot do.");
    }
  } catch (error) {
    call.close();
    signaling.close();
    throw error;
  }
  globalThis.tureen = { call };
  const leave = () => {
    close();
    call.close();
    signaling.close();
    removeEventListener("pagehide", leave);
  };
  const close = showRoom(root, call, {
    limits: signaling.limits,
    tracks: entry.tracks,
    leave: () => {
      leave();
      farewell("You have left", call.room.name);
    },
  });
  addEventListener("pagehide", leave);
  call.addEventListener("ended", () => {
    leave();
    farewell("This room has ended", "Its owner has closed it for everyone.");
  });
  let reason = "";
  call.addEventListener("closing", ({ detail }) => (reason = detail));
  call.addEventListener("lost", () => {
    leave();
    if (reason === "server-ends") notify("The server is being shut down.", "error");
    reconnect(() => enterAgain(room, options, entry));
  });
}

/** After a lost connection: the same way in, with the devices that were open. */
async function enterAgain(room, options, entry) {
  const tracks = !entry.viewer && options.produce ? await openDevices() : {};
  await enterRoom(room, options, { ...entry, tracks });
}

function farewell(title, text) {
  document.title = "Tureen";
  root.replaceChildren(el("main", { class: "welcome" }, el("div", { class: "card" },
    el("h1", {}, title),
    el("p", { class: "muted" }, text),
    el("button", { class: "primary", onclick: () => go("/") }, "To the lobby"),
    el("button", { onclick: () => location.reload() }, "Come back"))));
}

// ---- connections that fail ----

/** Tries again, waiting longer each time. */
async function reconnect(again) {
  const overlay = el("div", { class: "overlay", role: "alert" },
    el("div", { class: "card stack" }, el("h2", {}, "The connection is lost"), el("p", { class: "muted" }, "Trying to reach the server again…"),
      el("button", { onclick: () => location.reload() }, "Load the page anew")));
  document.body.append(overlay);
  for (let delay = 500; ; delay = Math.min(delay * 2, 15_000)) {
    await new Promise((resolve) => setTimeout(resolve, delay * (0.75 + Math.random() / 2)));
    const isThere = await fetch("/healthz").then(({ ok }) => ok).catch(() => false);
    if (!isThere) continue;
    try {
      await again();
      break;
    } catch (error) {
      if (error.code) {
        farewell("You are out of the room", error.message);
        break;
      }
    }
  }
  overlay.remove();
}

async function unreachable(error) {
  await ask("The server cannot be reached", [el("p", {}, error.message)], [["again", "Try again", "primary"]]).closed;
}

function go(path) {
  location.assign(path);
}

// Back and forth between lobby and room: a page that begins anew forgets nothing that matters.
addEventListener("popstate", () => location.reload());
start();
