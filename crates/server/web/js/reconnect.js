// Connections that fail: what is shown meanwhile, and the attempts to get back.

import { closeDialogs, el } from "./dom.js";

/** Covers the page and says that the connection is lost. `buttons` stand below the text. */
export class LostOverlay {
  #text = el("p", { class: "muted" }, "Trying to reach the server again…");
  #element;
  #root;

  constructor(root, ...buttons) {
    closeDialogs();
    this.#root = root;
    this.#element = el("div", { class: "overlay", role: "alert" },
      el("div", { class: "card stack" }, el("h2", {}, "The connection is lost"), this.#text, ...buttons));
    // What lies below cannot be used until there is a server to do it.
    root.inert = true;
    document.body.append(this.#element);
  }

  say(text) {
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }

  remove() {
    this.#root.inert = false;
    this.#element.remove();
  }
}

/** Resolves when the server answers. Tries again and again, waiting longer each time. */
export async function untilServer(isOver = () => false) {
  for (let delay = 500; !isOver(); delay = Math.min(delay * 2, LONGEST)) {
    await pause(delay);
    if (await fetch("/healthz").then(({ ok }) => ok).catch(() => false)) return;
  }
}

/** Waits about so many milliseconds: not all clients at once. */
export function pause(delay) {
  return new Promise((resolve) => setTimeout(resolve, delay * (0.75 + Math.random() / 2)));
}

const LONGEST = 15_000;
