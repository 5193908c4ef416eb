// Small tools to build the page. Text is always set as text, never as markup.

import { icon } from "./icons.js";

/** An element with properties, attributes (those with a dash, and role) and children. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Makes `list` the children of `parent`, moving only those that are out of place: a video that is
    taken out of the page stops. */
export function setChildren(parent, list) {
  for (const child of [...parent.children]) {
    if (!list.includes(child)) child.remove();
  }
  list.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

/** A round picture of a name: its first letter on a colour of its own. */
export function avatar(name, className = "avatar") {
  const element = el("span", { class: className, "aria-hidden": "true" }, [...name.trim()][0] ?? "?");
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  element.style.setProperty("--hue", hue);
  return element;
}

/** Tells the user something: a text for a few seconds, or an element, in which there may be something to do, until
    they close it. Returns the notice. */
export function notify(content, kind = "info") {
  const notice = el("div", { class: `notice ${kind}` }, content);
  document.getElementById("notices").append(notice);
  const remove = () => notice.remove();
  if (content instanceof Element) {
    const label = "Close this notice";
    notice.append(el("button", { type: "button", class: "quiet", title: label, "aria-label": label, onclick: remove }, icon("close")));
  } else {
    setTimeout(remove, kind === "error" ? 8000 : 4500);
  }
  return notice;
}

/** Closes whatever asks something: the view that wanted to know is no more. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close("");
}

/**
 * A modal dialog of a form; `closed` resolves with the value of the button that closed it, or with
 * nothing. `mustChoose`: a stray Escape is no answer.
 */
export function ask(title, content, buttons, { mustChoose = false } = {}) {
  const hasFields = content.some((one) => one.querySelector?.("input, select") ?? false);
  const actions = buttons.map(([value, label, className = ""]) => el("button", {
    type: value ? "submit" : "button",
    value,
    class: className,
    autofocus: className === "primary" && !hasFields,
    onclick: (event) => {
      if (!value) event.currentTarget.closest("dialog").close("");
    },
  }, label));
  const dialog = el("dialog", { "aria-label": title },
    el("form", { method: "dialog" }, el("h2", {}, title), ...content, el("div", { class: "actions" }, actions)));
  document.body.append(dialog);
  if (mustChoose) {
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape") event.preventDefault();
    });
  }
  dialog.showModal();
  return {
    dialog,
    closed: new Promise((resolve) => dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    })),
  };
}
