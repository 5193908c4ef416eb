// What the browser remembers from visit to visit. Nothing of it is sent unless asked for.

import { granted } from "./token.js";

function read(key) {
  try {
    return localStorage.getItem(`tureen.${key}`);
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    if (value) localStorage.setItem(`tureen.${key}`, value);
    else localStorage.removeItem(`tureen.${key}`);
  } catch {
    // A browser that stores nothing forgets the name; the call works all the same.
  }
}

export const store = {
  /** The user's name: the one that their token gives, or the one that they have chosen. */
  get name() {
    return granted.name || (read("name") ?? "");
  },
  set name(name) {
    if (!granted.name) write("name", name);
  },
  /** The secret that proves ownership of a room. */
  secret: (room) => read(`secret.${room}`) ?? undefined,
  setSecret: (room, secret) => write(`secret.${room}`, secret),
  /** The device last chosen of a kind: `audioinput`, `videoinput`, `audiooutput`. */
  device: (kind) => read(`device.${kind}`) ?? undefined,
  setDevice: (kind, id) => write(`device.${kind}`, id),
};
