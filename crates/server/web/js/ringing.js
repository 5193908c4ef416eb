// Ringing: a tone made here, and the dialogs of who rings and who is rung.

import { ask, avatar, el, notify } from "./dom.js";

/** Rings until the returned function is called. */
export function startTone() {
  let context;
  try {
    context = new AudioContext();
  } catch {
    return () => {};
  }
  const gain = context.createGain();
  gain.gain.value = 0;
  gain.connect(context.destination);
  for (const frequency of [440, 554]) {
    const oscillator = context.createOscillator();
    oscillator.frequency.value = frequency;
    oscillator.connect(gain);
    oscillator.start();
  }
  const ring = () => {
    const now = context.currentTime;
    for (const start of [0, 0.4]) {
      gain.gain.setTargetAtTime(0.08, now + start, 0.02);
      gain.gain.setTargetAtTime(0, now + start + 0.25, 0.04);
    }
  };
  ring();
  const timer = setInterval(ring, 2000);
  return () => {
    clearInterval(timer);
    context.close().catch(() => {});
  };
}

/** Asks whether to answer; resolves with true or false, or undefined when `ended` came first or the
    dialog was closed for another reason. */
export async function askToAnswer(title, name, ended) {
  const stop = startTone();
  const { dialog, closed } = ask(title, [
    el("div", { class: "row" }, avatar(name), el("strong", { class: "grow ellipsis" }, name)),
  ], [["decline", "Decline", "danger"], ["accept", "Answer", "primary"]], { mustChoose: true });
  let isOver = false;
  ended?.then(() => {
    isOver = true;
    dialog.close("");
  });
  const answer = await closed;
  stop();
  return isOver || !answer ? undefined : answer === "accept";
}

/** Rings a person from the lobby; resolves with `{ room, secret }` when they answer. */
export async function ringPerson(signaling, person) {
  const listening = new AbortController();
  const { ring } = await signaling.request("ring", { person: person.id });
  const outcome = new Promise((resolve) => {
    for (const event of ["ring-accepted", "ring-declined", "ring-cancelled"]) {
      signaling.addEventListener(event, ({ detail }) => {
        if (detail.ring === ring) resolve({ event, detail });
      }, { signal: listening.signal });
    }
  });
  const { dialog, closed } = ask("Ringing…", [
    el("div", { class: "row" }, avatar(person.name), el("strong", { class: "grow ellipsis" }, person.name)),
  ], [["cancel", "Cancel"]]);
  const result = await Promise.race([outcome, closed.then(() => ({ event: "given-up" }))]);
  listening.abort();
  dialog.close();
  switch (result.event) {
    case "ring-accepted":
      return result.detail;
    case "ring-declined":
      notify(`${person.name} declined.`);
      return undefined;
    case "ring-cancelled":
      notify(`${person.name} does not answer.`);
      return undefined;
    default:
      await signaling.request("cancel-ring", { ring }).catch(() => {});
      return undefined;
  }
}
