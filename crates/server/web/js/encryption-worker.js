// Runs the cipher on every frame, off the page's thread.

import { FrameCipher } from "./frame-cipher.js";

let setCipher;
const cipher = new Promise((resolve) => (setCipher = resolve));

self.addEventListener("message", ({ data }) => {
  if (data.type === "key") FrameCipher.create(data.passphrase, data.room).then(setCipher);
  if (data.type === "streams") run(data.task, data.readable, data.writable);
});

self.addEventListener("rtctransform", ({ transformer }) => {
  run(transformer.options, transformer.readable, transformer.writable);
});

function run({ operation, kind, id }, readable, writable) {
  let lastSaid;
  const say = (isReadable) => {
    if (isReadable !== lastSaid) self.postMessage({ id, readable: isReadable });
    lastSaid = isReadable;
  };
  const transform = async (frame, controller) => {
    const { [operation]: work } = (await cipher).bound;
    const data = await work(new Uint8Array(frame.data), kind, frame.type);
    if (operation === "decrypt") say(data !== null);
    // A frame that cannot be read is dropped: the decoder must never see it.
    if (data === null) return;
    frame.data = data.buffer;
    controller.enqueue(frame);
  };
  readable.pipeThrough(new TransformStream({ transform })).pipeTo(writable).catch(() => {});
}
