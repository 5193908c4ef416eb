// The chat at the right of a room.

import { el, notify } from "./dom.js";
import { icon } from "./icons.js";

/** The panel; `unread` is called for messages that come while the panel is not seen. */
export function chatPanel(call, maxLength, unread) {
  const list = el("ol", { "aria-live": "polite", "aria-label": "Messages" });
  const input = el("textarea", { rows: 1, maxLength, placeholder: "Write to everyone", "aria-label": "Message" });
  const send = async () => {
    const text = input.value.trim();
    if (!text) return;
    try {
      await call.say(text);
      input.value = "";
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
    list,
    el("form", { onsubmit: (event) => {
      event.preventDefault();
      send();
    } }, input, el("button", { class: "primary", type: "submit", "aria-label": "Send", title: "Send" }, icon("send"))));
  const add = (message) => {
    const time = new Date(message.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    list.append(el("li", {},
      el("div", { class: "who" }, el("strong", {}, message.name), el("span", { class: "muted" }, time)),
      el("p", {}, message.text)));
    list.scrollTop = list.scrollHeight;
  };
  call.chat.forEach(add);
  call.addEventListener("chat", ({ detail }) => {
    add(detail);
    if (panel.offsetParent === null) unread();
  });
  return panel;
}
