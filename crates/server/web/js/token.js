// The token that a server with keys wants to see: `?token=` or `#token=` of the address, remembered
// for this tab alone and taken out of the address, so that it is not passed on with the link.

function take() {
  const url = new URL(location.href);
  const hash = new URLSearchParams(url.hash.slice(1));
  const token = url.searchParams.get("token") ?? hash.get("token");
  if (!token) return undefined;
  url.searchParams.delete("token");
  hash.delete("token");
  url.hash = hash.toString();
  history.replaceState(history.state, "", url);
  return token;
}

function remembered(token) {
  try {
    if (token) sessionStorage.setItem("tureen.token", token);
    return token ?? sessionStorage.getItem("tureen.token") ?? undefined;
  } catch {
    // A browser that stores nothing asks for the link again after a reload.
    return token;
  }
}

/** Nothing where the address had none. */
export const token = remembered(take());

/** What the token says of its bearer. The server reads it for itself; this is for the page alone. */
export const granted = read(token);

function read(text) {
  try {
    const bytes = atob(text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0))));
    const { canPublish, roomCreate, room } = claims.video ?? {};
    return { name: claims.name || "", mayPublish: canPublish !== false, mayMakeRooms: Boolean(roomCreate) && !room };
  } catch {
    return { name: "", mayPublish: true, mayMakeRooms: true };
  }
}
