// The lobby: rooms to enter, rooms to make, people to ring.

import { ask, avatar, closeDialogs, el, notify, setChildren } from "./dom.js";
import { canEncrypt } from "./encryption.js";
import { icon } from "./icons.js";
import { roomOf } from "./link.js";
import { askToAnswer, ringPerson } from "./ringing.js";
import { store } from "./store.js";

/** Asks for a name, once. */
export function welcome(root, problem) {
  return new Promise((resolve) => {
    const input = el("input", {
      type: "text",
      required: true,
      maxLength: 64,
      autocomplete: "name",
      value: store.name,
      placeholder: "What others call you",
    });
    const form = el("form", { class: "card", onsubmit: (event) => {
      event.preventDefault();
      const name = input.value.trim();
      if (name) resolve(name);
    } },
    el("div", { class: "brand" }, el("img", { src: "/static/icon.svg", alt: "" }), el("h1", {}, "Tureen")),
    el("p", { class: "muted" }, problem ?? "Video calls from your own server. Choose a name and come in."),
    el("label", { class: "field" }, "Your name", input),
    el("button", { class: "primary", type: "submit" }, "Come in"));
    root.replaceChildren(el("main", { class: "welcome" }, form));
    input.focus();
  });
}

/** Shows the lobby; `enter` is called with a room's id to go to, and how: `direct` without a stop at
    the door, or what stands behind the id in its link: `search`, `hash`. */
export function showLobby(root, signaling, enter, rename) {
  const rooms = el("ul", { class: "list", "aria-label": "Rooms" });
  const people = el("ul", { class: "list", "aria-label": "People" });
  const noRooms = el("p", { class: "empty" }, "No rooms are open. Make one, and send its link to others.");
  const nobody = el("p", { class: "empty" }, "Nobody else is here right now.");
  const code = el("input", { type: "text", placeholder: "Link or name of a room", "aria-label": "Link or name of a room" });

  const join = (event) => {
    event.preventDefault();
    const room = roomOf(code.value);
    if (room) enter(room.id, room);
    else notify("A room's name has letters, digits, - and _ only.", "error");
  };

  root.replaceChildren(el("div", { class: "lobby" },
    el("header", {},
      el("div", { class: "brand" }, el("img", { src: "/static/icon.svg", alt: "" }), el("h1", {}, "Tureen")),
      el("div", { class: "me" }, avatar(store.name), el("strong", { class: "ellipsis" }, store.name),
        el("button", { class: "quiet", onclick: rename }, "Change"))),
    el("section", { class: "card start" },
      el("form", { class: "row", onsubmit: join }, el("div", { class: "grow" }, code), el("button", { type: "submit" }, "Join")),
      el("button", { class: "primary", onclick: () => createRoom(signaling, enter) }, icon("camera"), "New room")),
    el("div", { class: "columns" },
      el("section", { class: "card" }, el("h2", {}, "Rooms"), rooms, noRooms),
      el("section", { class: "card" }, el("h2", {}, "People online"), people, nobody))));

  const rows = rowKeeper();
  const listening = new AbortController();
  const on = (event, listener) => signaling.addEventListener(event, ({ detail }) => listener(detail), { signal: listening.signal });
  on("lobby", (lobby) => {
    setChildren(rooms, rows(lobby.rooms, (room) => roomRow(room, enter)));
    noRooms.hidden = lobby.rooms.length > 0;
    const others = lobby.people.filter((person) => person.id !== signaling.me);
    setChildren(people, rows(others, (person) => personRow(person, async () => {
      try {
        go(await ringPerson(signaling, person));
      } catch (error) {
        notify(error.message, "error");
      }
    })));
    nobody.hidden = others.length > 0;
  });
  on("ring", async ({ ring, from }) => {
    const ringing = new AbortController();
    const { signal } = ringing;
    listening.signal.addEventListener("abort", () => ringing.abort(), { signal });
    const hear = (event, listener) =>
      signaling.addEventListener(event, ({ detail }) => detail.ring === ring && listener(detail), { signal });
    const gone = new Promise((resolve) => hear("ring-cancelled", resolve));
    let accept;
    try {
      accept = await askToAnswer("Someone rings", from.name, gone);
      if (accept === undefined) return;
      if (accept) hear("ring-accepted", go);
      await signaling.request("answer-ring", { ring, accept });
    } catch (error) {
      accept = false;
      notify(error.message, "error");
    } finally {
      // An accepted ring is heard of until the room is entered.
      if (!accept) ringing.abort();
    }
  });
  const go = (accepted) => {
    if (!accepted) return;
    store.setSecret(accepted.room, accepted.secret);
    enter(accepted.room, { direct: true });
  };
  signaling.request("watch-lobby", { watch: true }).catch((error) => notify(error.message, "error"));
  return () => {
    listening.abort();
    closeDialogs();
    signaling.request("watch-lobby", { watch: false }).catch(() => {});
  };
}

/** Makes rows, and keeps those of what has not changed: a button that is about to be pressed stays. */
export function rowKeeper() {
  let kept = new Map();
  return (items, make) => {
    const before = kept;
    kept = new Map();
    return items.map((item) => {
      const key = JSON.stringify(item);
      const old = before.get(item.id);
      const row = old?.key === key ? old.row : make(item);
      kept.set(item.id, { key, row });
      return row;
    });
  };
}

function roomRow(room, enter) {
  const isEmpty = room.people === 0;
  const isLive = room.state === "in-call" && !isEmpty;
  const isMine = Boolean(store.secret(room.id));
  const watch = room.kind === "presentation" && !isMine;
  const notes = [
    isEmpty ? "Nobody there yet" : room.people === 1 ? "1 person" : `${room.people} people`,
    room.kind === "presentation" ? "presentation" : null,
  ];
  return el("li", {},
    avatar(room.name, "avatar square"),
    el("div", { class: "grow" },
      el("div", { class: "row" }, el("strong", { class: "ellipsis", title: room.name }, room.name), room.encrypted ? icon("lock") : null),
      el("div", { class: "small muted" }, notes.filter(Boolean).join(" · "))),
    isEmpty ? null : el("span", { class: isLive ? "badge live" : "badge warm" }, isLive ? "in call" : "waiting"),
    el("button", { onclick: () => enter(room.id, { search: watch ? "?produce=false" : "" }), "aria-label": `Join ${room.name}` }, "Join"));
}

function personRow(person, ring) {
  return el("li", {},
    avatar(person.name),
    el("div", { class: "grow ellipsis", title: person.name }, person.name),
    person.busy
      ? el("span", { class: "badge" }, "in a room")
      : el("button", { onclick: ring, "aria-label": `Ring ${person.name}` }, icon("phone"), "Ring"));
}

async function createRoom(signaling, enter) {
  const maxLength = signaling.limits.name;
  const value = `${store.name}’s room`.slice(0, maxLength);
  const name = el("input", { type: "text", required: true, maxLength, value });
  const kinds = [
    ["meeting", "Meeting", "Everyone can be seen and heard."],
    ["presentation", "Presentation", "You present, the others watch without devices."],
  ].map(([value, title, text], index) => el("label", {},
    el("input", { type: "radio", name: "kind", value, checked: index === 0 }),
    el("span", {}, el("strong", {}, title), el("br"), el("span", { class: "small muted" }, text))));
  const check = (checked, text, note) => {
    const box = el("input", { type: "checkbox", checked });
    return [box, el("label", { class: "check" }, box, el("span", {}, text, el("br"), el("span", { class: "small muted" }, note)))];
  };
  const [later, laterLabel] = check(false, "Begin later", "People gather first; you start the call and ring everyone.");
  const [listed, listedLabel] = check(true, "Show in the lobby", "Otherwise only those with the link find it.");
  const [encrypted, encryptedLabel] = check(false, "Encrypt end to end", "With a passphrase; not even the server can see or hear you.");
  const passphrase = el("input", { type: "text", autocomplete: "off", placeholder: "Tell it to the others outside of this server" });
  const passphraseField = el("label", { class: "field", hidden: true }, "Passphrase", passphrase);
  encrypted.addEventListener("change", () => {
    passphraseField.hidden = !encrypted.checked;
    passphrase.required = encrypted.checked;
  });
  const { dialog, closed } = ask("New room", [
    el("label", { class: "field" }, "Name", name),
    el("fieldset", { class: "kinds" }, el("legend", {}, "Kind"), kinds),
    el("div", {}, laterLabel, listedLabel, canEncrypt ? encryptedLabel : null),
    passphraseField,
  ], [["", "Cancel"], ["create", "Create", "primary"]]);
  name.select();
  if ((await closed) !== "create") return;
  try {
    const { room, secret } = await signaling.request("create-room", {
      name: name.value,
      kind: dialog.querySelector("[name=kind]:checked").value,
      listed: listed.checked,
      encrypted: encrypted.checked,
      started: !later.checked,
    });
    store.setSecret(room, secret);
    enter(room, encrypted.checked ? { hash: `#${new URLSearchParams({ key: passphrase.value })}` } : {});
  } catch (error) {
    notify(error.message, "error");
  }
}
