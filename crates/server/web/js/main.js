// From the address to a view: `/` is the lobby, `/room/ID` a room. `?produce=false` comes without
// devices, `?consume=false` receives nothing, `?forceTcp=true` sends all media over TCP. `#key=`
// holds the passphrase of an encrypted room; if it is empty, the page asks for it. Browsers do not
// send this part. `?token=` or `#token=` is for a server with keys: see token.js.

import { openDevice } from "./devices.js";
import { ask, el } from "./dom.js";
import { showDoor } from "./door.js";
import { canEncrypt } from "./encryption.js";
import { showLobby, welcome } from "./lobby.js";
import { LostOverlay, untilServer } from "./reconnect.js";
import { Signaling } from "./signaling.js";
import { store } from "./store.js";
import { granted, token } from "./token.js";
import { roomEnded, visit } from "./visit.js";

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
  if (!signaling) return;
  let isAway = false;
  const leave = () => {
    close();
    signaling.close();
  };
  const enter = (room, { direct, search = "", hash = "" }) => {
    close();
    isAway = true;
    signaling.request("watch-lobby", { watch: false }).catch(() => {});
    // The same document: it remembers that the user has clicked, and may play sound.
    history.pushState(null, "", `/room/${room}${search}${hash}`);
    // A room that was made here and that nobody is in yet lasts as long as its maker stays.
    visitRoom(room, direct).finally(() => signaling.close());
  };
  const close = showLobby(root, signaling, enter, () => {
    store.name = "";
    leave();
    visitLobby();
  });
  signaling.addEventListener("lost", async () => {
    if (isAway) return;
    const overlay = new LostOverlay(root, el("button", { onclick: () => location.reload() }, "Load the page anew"));
    await untilServer();
    overlay.remove();
    close();
    visitLobby();
  });
  addEventListener("pagehide", () => signaling.close(), { once: true });
}

/** Connects under the name that is remembered, or asks for one until the server takes it. Nothing for one who may not come in. */
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
      if (error.code?.startsWith("token-")) {
        shutOut(error.message);
        return undefined;
      }
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
    consume: query.get("consume") !== "false",
    forceTcp: query.get("forceTcp") === "true",
  };
  const door = { room, opensAgain: query.get("open") === "true", produce: query.get("produce") !== "false", passphrase: key ?? "" };
  let isDirect = direct;
  for (;;) {
    const entry = isDirect ? straightIn() : await atTheDoor(door, key !== null);
    if (!entry) return;
    try {
      await visit(root, options, entry);
      return;
    } catch (error) {
      for (const opening of Object.values(entry.tracks)) release(opening);
      if (error.code === "room-ended") {
        roomEnded(root, room);
        return;
      }
      door.problem = sentences[error.code] ?? error.message;
      if (error.code === "not-encrypted") door.passphrase = "";
      isDirect = false;
    }
  }
}

/** Into a call that was rung and answered: with whatever devices there are. */
function straightIn() {
  const tracks = { audio: openDevice("audio"), video: openDevice("video") };
  // The room says so once it is shown.
  for (const opening of Object.values(tracks)) opening.catch(() => {});
  return { name: store.name, passphrase: "", viewer: false, tracks };
}

/** Shows the door, which knows of the room what the server says. Nothing for one who may not come in, or
    when the room has ended. */
async function atTheDoor(door, hasKey) {
  let info = await describe(door.room);
  if (info?.code === "room-ended") {
    if (!door.opensAgain) {
      roomEnded(root, door.room);
      return undefined;
    }
    info = undefined;
  }
  if (info?.code) {
    shutOut(info.message);
    return undefined;
  }
  // In a presentation the others watch: no device of theirs is ever asked for.
  const mayPublish = granted.mayPublish && (info?.kind !== "presentation" || Boolean(store.secret(door.room)));
  const isPlain = info?.encrypted === false;
  let { problem, passphrase } = door;
  if (isPlain && hasKey && !problem) problem = sentences["not-encrypted"];
  if (isPlain) passphrase = "";
  return showDoor(root, {
    ...door,
    info,
    problem,
    passphrase,
    produce: door.produce && mayPublish,
    encrypted: !isPlain && (hasKey || info?.encrypted === true),
  });
}

/** What the server says of a room, or why it says nothing; nothing when there is none. */
async function describe(room) {
  for (;;) {
    const signaling = new Signaling();
    try {
      await signaling.open();
      return await signaling.request("describe-room", { room, token });
    } catch (error) {
      if (error.code === "no-such-room") return undefined;
      if (error.code) return { code: error.code, message: error.message };
      await unreachable(error);
    } finally {
      signaling.close();
    }
  }
}

/** The end for one who needs another link to come in. */
function shutOut(reason) {
  document.title = "Tureen";
  const again = el("button", { onclick: () => location.reload() }, "Try again");
  root.replaceChildren(el("main", { class: "welcome" }, el("div", { class: "card" },
    el("div", { class: "brand" }, el("img", { src: "/static/icon.svg", alt: "" }), el("h1", {}, "You cannot come in")),
    el("p", { class: "muted breakable", role: "alert" }, reason),
    again)));
  again.focus();
}

/** Closes a device that is open or will be. */
function release(opening) {
  Promise.resolve(opening).then((track) => track?.stop(), () => {});
}

const sentences = {
  "passphrase-missing": canEncrypt
    ? "This room is encrypted end to end: give its passphrase."
    : "This room is encrypted end to end, which this browser cannot do.",
  "not-encrypted": "Your link has a passphrase, but this room is not encrypted end to end: its server could see and " +
    "hear you. Come in only if that is all right.",
};

async function unreachable(error) {
  const title = error.code ? "The server does not let you in" : "The server cannot be reached";
  await ask(title, [el("p", {}, error.message)], [["again", "Try again", "primary"]]).closed;
}

// Back and forth between lobby and room: a page that begins anew forgets nothing that matters.
addEventListener("popstate", () => location.reload());
// A page that comes back from the browser's memory has left its room when it went.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
start();
