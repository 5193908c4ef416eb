// The host's choice of another room for somebody.

import { ask, el, notify } from "./dom.js";
import { roomOf } from "./link.js";
import { store } from "./store.js";
import { granted } from "./token.js";

/** The ids of the rooms that were made here, by their names. */
const made = new Map();
/** What tells who is in these rooms now: one notice for each. */
const told = new Map();
/** Where somebody was moved last. */
let last = "";

/** Asks where to, and moves a participant there. */
export async function moveThem(call, { id, name }) {
  const list = el("datalist", { id: "rooms" }, [...made.keys()].map((value) => el("option", { value })));
  const where = el("input", { type: "text", required: true, autocomplete: "off", value: last, placeholder: "Link or name of a room" });
  where.setAttribute("list", list.id);
  const isMade = granted.mayMakeRooms ? " If there is none of this name, it is made, and is yours." : "";
  const { closed } = ask(`Move ${name} to another room`, [
    el("label", { class: "field" }, "Room", where),
    list,
    el("p", { class: "small muted" }, `A room of yours.${isMade}`),
  ], [["", "Cancel"], ["move", "Move", "primary"]]);
  where.select();
  if ((await closed) !== "move") return;
  const text = where.value.trim();
  try {
    const room = await moveInto(call, id, text);
    last = text;
    // As its opener this window passes on the token that it remembers.
    const link = el("a", { href: `/room/${room}`, target: "_blank", rel: "opener" }, roomOf(text)?.id ?? text);
    told.get(room)?.remove();
    told.set(room, notify(el("span", {}, `${name} is in `, link, " now.")));
  } catch (error) {
    notify(error.message, "error");
  }
}

/** Moves them into the room of this link or name, which is made if there is none. Resolves with its id. */
async function moveInto(call, participant, text) {
  const place = roomOf(text);
  // Where they cannot be moved at all, no room is made for nothing: the server says so before it looks for the other room.
  const room = made.get(text) ?? place?.id ?? nobodysId();
  try {
    await call.move(participant, room, store.secret(room));
    return room;
  } catch (error) {
    if (place?.isLink || !["no-such-room", "room-ended"].includes(error.code)) throw error;
  }
  const { room: id, secret } = await call.makeRoom(text);
  store.setSecret(id, secret);
  made.set(text, id);
  await call.move(participant, id, secret);
  return id;
}

/** An id that no room has. */
function nobodysId() {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
