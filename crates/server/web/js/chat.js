// The chat at the right of a room.

import { el, notify } from "./dom.js";
import { icon } from "./icons.js";

/** The panel; `unread` is called for messages that come while the panel is not seen. */
export function chatPanel(call, maxLength, unread) {
  const list = el("ol", { "aria-live": "polite", "aria-label": "Messages", tabIndex: 0 });
  const input = el("textarea", { rows: 1, maxLength, placeholder: "Write to everyone", "aria-label": "Message" });
  // Whether the list is scrolled to its end and should follow. Whoever reads older messages is not moved.
  let isAtEnd = true;
  const toEnd = () => (list.scrollTop = list.scrollHeight);
  const newer = el("button", { class: "newer", hidden: true, onclick: toEnd }, icon("down"), "New messages");
  list.addEventListener("scroll", () => {
    if (list.offsetParent === null) return;
    isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    if (isAtEnd) newer.hidden = true;
  }, { passive: true });
  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight + input.offsetHeight - input.clientHeight}px`;
  };
  input.addEventListener("input", grow);
  let width = 0;
  new ResizeObserver(() => {
    if (isAtEnd) toEnd();
    if (list.offsetWidth !== width && list.offsetWidth > 0) grow();
    width = list.offsetWidth;
  }).observe(list);
  const send = async () => {
    const text = input.value.trim();
    if (!text) return;
    try {
      await call.say(text);
      input.value = "";
      grow();
      isAtEnd = true;
      toEnd();
    } catch (error) {
      notify(error.message, "error");
    }
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  });
  const panel = el("aside", { class: "chat", "aria-label": "Chat" },
    el("h2", {}, "Chat"),
    call.isEncrypted ? el("p", { class: "small muted hint" }, NOT_ENCRYPTED) : null,
    el("div", { class: "messages" }, list, newer),
    el("form", { onsubmit: (event) => {
      event.preventDefault();
      send();
    } }, input, el("button", { class: "primary", type: "submit", "aria-label": "Send", title: "Send" }, icon("send"))));
  const add = (message) => {
    const time = new Date(message.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    list.append(el("li", {},
      el("div", { class: "who" }, el("strong", { dir: "auto" }, message.name), el("span", { class: "muted" }, time)),
      el("p", { dir: "auto" }, message.text)));
    if (isAtEnd) toEnd();
    else newer.hidden = false;
  };
  call.chat.forEach(add);
  call.addEventListener("moved", () => {
    list.replaceChildren();
    isAtEnd = true;
    newer.hidden = true;
    call.chat.forEach(add);
  });
  call.addEventListener("chat", ({ detail }) => {
    add(detail);
    if (panel.offsetParent === null) unread();
  });
  return panel;
}

const NOT_ENCRYPTED = "Sound and pictures are encrypted end to end. This chat is not: the server can read it.";
