// What the browser remembers from visit to visit. Nothing of it is sent unless asked for.

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
  get name() {
    return read("name") ?? "";
  },
  set name(name) {
    write("name", name);
  },
  /** The secret that proves ownership of a room. */
  secret: (room) => read(`secret.${room}`) ?? undefined,
  setSecret: (room, secret) => write(`secret.${room}`, secret),
  /** The device last chosen of a kind: `audioinput`, `videoinput`, `audiooutput`. */
  device: (kind) => read(`device.${kind}`) ?? undefined,
  setDevice: (kind, id) => write(`device.${kind}`, id),
};
