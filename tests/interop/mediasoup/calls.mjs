// Calls between two pages, and what can be seen of them.
import { startSignaling } from "./signaling.mjs";
import { until } from "./worker.mjs";

/**
 * Two peers in a router whose transports have these options: Ann in the first browser, Bob in the
 * last. Both are gone when `use` is done.
 */
export async function withPeers(worker, browsers, transportOptions, use) {
  const signaling = await startSignaling(worker, transportOptions);
  const pages = await Promise.all([browsers.at(0).newPage(), browsers.at(-1).newPage()]);
  try {
    for (const [page, name] of [[pages[0], "Ann"], [pages[1], "Bob"]]) {
      await page.goto(`${signaling.url}?name=${name}`);
      await page.waitForFunction(() => globalThis.peer);
      await page.evaluate(() => globalThis.peer.join());
    }
    await use(signaling, ...pages);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
    await signaling.close();
  }
}

/** One page sends sound and pictures, the other hears and sees them. */
export async function startCall(signaling, from, to, mimeType) {
  const call = {
    audio: await sendAndReceive(signaling, from, to, { kind: "audio" }),
    video: await sendAndReceive(signaling, from, to, { kind: "video", mimeType }),
  };
  await framesGoOn(to, call.video.consumer);
  await until("sound", async () => {
    const { totalAudioEnergy = 0, audioLevel = 0 } = await received(to, call.audio.consumer);
    return totalAudioEnergy > 0 && audioLevel > 0;
  }, { state: () => received(to, call.audio.consumer) });
  return call;
}

/** One producer of a page and its consumer in the other, as the npm package's objects. */
export async function sendAndReceive(signaling, from, to, options) {
  const producerId = await from.evaluate((options) => globalThis.peer.produce(options), options);
  const consumerId = await to.evaluate((id) => globalThis.peer.consume(id), producerId);
  return { producer: signaling.producers.get(producerId), consumer: signaling.consumers.get(consumerId) };
}

/** What the browser says of a consumer's stream; nothing has come when it says nothing. */
export async function received(page, consumer) {
  return await page.evaluate((id) => globalThis.peer.received(id), consumer.id) ?? {};
}

/** More frames are decoded than were before, within these seconds. */
export async function framesGoOn(page, consumer, seconds = 20) {
  const { framesDecoded: before = 0 } = await received(page, consumer);
  return until("pictures", async () => {
    const report = await received(page, consumer);
    return (report.framesDecoded ?? 0) > before + 5 && report;
  }, { seconds, state: async () => [await received(page, consumer), await consumer.getStats(), await consumer.dump()] });
}

/** No frame is decoded for half a second. */
export async function framesStop(page, consumer) {
  let [last, since] = [-1, Date.now()];
  await until("the end of pictures", async () => {
    const { framesDecoded } = await received(page, consumer);
    if (framesDecoded !== last) [last, since] = [framesDecoded, Date.now()];
    return Date.now() - since > 500;
  });
}
