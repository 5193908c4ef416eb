// A visit to a room: in, back after a lost connection, and out.

import { Call } from "./call.js";
import { closeDialogs, el } from "./dom.js";
import { Encryption } from "./encryption.js";
import { LostOverlay, pause, untilServer } from "./reconnect.js";
import { showRoom } from "./room.js";
import { Signaling } from "./signaling.js";
import { store } from "./store.js";

/**
 * Enters a room and shows it. Fails with the reason why not, and is then as if it had not been
 * tried. `options`: room, consume, forceTcp. `entry`: name, passphrase, viewer, tracks.
 */
export async function visit(root, options, entry) {
  await new Visit(root, options, entry).enter();
}

class Visit {
  #root;
  #options;
  #entry;
  #call;
  #signaling;
  #closeView;
  #isOver = false;
  #isComingBack = false;
  /** Why the server has closed the connection. */
  #closing = "";
  #leave = () => this.#end();

  constructor(root, options, entry) {
    this.#root = root;
    this.#options = options;
    this.#entry = entry;
  }

  async enter() {
    const { room, consume, forceTcp } = this.#options;
    const { name, passphrase, viewer, tracks } = this.#entry;
    const encryption = passphrase ? new Encryption(passphrase, room) : null;
    const call = new Call({ consume, forceTcp, viewer, encryption });
    this.#call = call;
    try {
      const open = { name: room, kind: "meeting", listed: false, encrypted: Boolean(encryption), started: true };
      await this.#join({ open });
    } catch (error) {
      call.close();
      this.#signaling.close();
      throw error;
    }
    globalThis.tureen = { call };
    this.#closeView = showRoom(this.#root, call, {
      limits: this.#signaling.limits,
      tracks,
      leave: () => {
        this.#end();
        farewell(this.#root, "You have left", call.room.name, comeBack);
      },
    });
    addEventListener("pagehide", this.#leave);
    call.addEventListener("ended", () => {
      this.#end();
      roomEnded(this.#root, call.room.id);
    });
    call.addEventListener("moved", () => {
      this.#options.room = call.room.id;
      const address = new URL(location.href);
      address.pathname = `/room/${call.room.id}`;
      address.searchParams.delete("open");
      history.pushState(null, "", address);
    });
    call.addEventListener("removed", ({ detail: { reason, by } }) => {
      const who = call.participants.get(by)?.name ?? "Whoever looks after it";
      this.#end();
      const [title, text] = reason === "same-identity"
        ? ["You are here in another place", "You have come into this room again elsewhere, and nobody is in it twice."]
        : ["You were removed from the room", `${who} has removed you.`];
      farewell(this.#root, title, text, comeBack);
    });
    call.addEventListener("closing", ({ detail }) => (this.#closing = detail));
    call.addEventListener("lost", () => this.#comeBack());
  }

  /** Connects and joins, as the owner if we are. */
  async #join(how) {
    const { room } = this.#options;
    this.#signaling?.close();
    this.#signaling = new Signaling();
    await this.#signaling.open(this.#entry.name);
    const join = (secret) => this.#call.join(this.#signaling, { room, secret, ...how });
    const known = store.secret(room);
    const joined = await join(known).catch((error) => {
      // Of an older room of this name: the one who opened it anew owns it.
      if (error.code !== "wrong-secret") throw error;
      store.setSecret(room, "");
      return join(undefined);
    });
    if (joined.secret) store.setSecret(room, joined.secret);
  }

  /** After a lost connection: into the same room, with what was open, as it was. */
  async #comeBack() {
    // An attempt to come back is running, and it replaces this connection as well.
    if (this.#isComingBack) return;
    this.#isComingBack = true;
    const { room, me } = this.#call;
    // A server that was restarted has forgotten the room: its owner opens it as it was.
    const open = me.owner ? {
      name: room.name,
      kind: room.kind === "presentation" ? "presentation" : "meeting",
      listed: room.listed,
      encrypted: room.encrypted,
      started: room.state === "in-call",
    } : undefined;
    const how = { open, entersCall: me.presence === "in-call" };
    const leave = el("button", { onclick: () => {
      overlay.remove();
      this.#end();
      farewell(this.#root, "You have left", room.name, comeBack);
    } }, "Leave the room");
    const overlay = new LostOverlay(this.#root, leave);
    if (this.#closing === "server-ends") overlay.say("The server is being shut down. Waiting for it to come back…");
    this.#closing = "";
    leave.focus();
    try {
      await this.#joinAgain(how, overlay);
    } catch (error) {
      if (this.#isOver) return;
      this.#end();
      if (error.code === "room-ended") roomEnded(this.#root, this.#options.room);
      else farewell(this.#root, "You are out of the room", sentences[error.code] ?? error.message, comeBack);
    } finally {
      this.#isComingBack = false;
      overlay.remove();
    }
  }

  async #joinAgain(how, overlay) {
    let deadline;
    for (;;) {
      await untilServer(() => this.#isOver);
      if (this.#isOver) return;
      try {
        await this.#join(how);
        if (this.#isOver) this.#signaling.close();
        return;
      } catch (error) {
        this.#signaling.close();
        if (!error.code) continue;
        deadline ??= Date.now() + ROOM_PATIENCE;
        if (!(error.code in waitingFor) || Date.now() > deadline) throw error;
        overlay.say(waitingFor[error.code]);
        await pause(1000);
      }
    }
  }

  #end() {
    if (this.#isOver) return;
    this.#isOver = true;
    removeEventListener("pagehide", this.#leave);
    closeDialogs();
    this.#closeView();
    this.#call.close();
    this.#signaling.close();
  }
}

export function roomEnded(root, room) {
  // Nothing is left to be the owner of.
  store.setSecret(room, "");
  const open = () => {
    const address = new URL(location.href);
    address.searchParams.set("open", "true");
    location.assign(address);
  };
  farewell(root, "This room has ended", "Its owner has closed it for everyone.", ["Open it again", open]);
}

const comeBack = ["Come back", () => location.reload()];

/** The last page of a visit. `way`: what one may do besides, and how. */
function farewell(root, title, text, [label, onclick]) {
  document.title = "Tureen";
  const lobby = el("button", { class: "primary", onclick: () => location.assign("/") }, "To the lobby");
  root.replaceChildren(el("main", { class: "welcome" }, el("div", { class: "card" },
    el("h1", {}, title),
    el("p", { class: "muted breakable" }, text),
    lobby,
    el("button", { onclick }, label))));
  lobby.focus();
}

/** Refusals that pass by themselves, and what is said meanwhile. */
const waitingFor = {
  "no-such-room": "The server was restarted. Waiting for the owner to open the room again…",
  "room-full": "The room is full. Waiting for a place…",
  "room-locked": "The room was locked meanwhile. Waiting for it to be opened…",
  "too-many-people": "The server is full. Waiting for a place…",
};

const sentences = {
  "no-such-room": "The server was restarted, and the room's owner has not opened it again.",
  "not-encrypted": "The room is not encrypted end to end any more.",
  "passphrase-missing": "The room is encrypted end to end now. Come back with its passphrase.",
};

/** How long one waits for a room to be there again, in milliseconds. */
const ROOM_PATIENCE = 60_000;
