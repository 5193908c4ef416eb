// Single tracks: received or not, from which device, and what becomes of them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { click, comeIn, enterRoom, seen, shown, tracksOf, until } from "./pages.mjs";
import { startServer } from "./server.mjs";

let server;
let browsers;

before(async () => {
  server = await startServer();
  browsers = await Promise.all([openBrowser("chromium"), openBrowser("chromium")]);
});

after(async () => {
  await Promise.all((browsers ?? []).map((browser) => browser.close()));
  assert.equal(await server?.stop(), 0, server?.log());
});

/** Ann and Bob in a room. */
async function inRoom(room, query, use) {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  try {
    await enterRoom(pages[0], server.url, room, "Ann");
    await enterRoom(pages[1], server.url, room, "Bob", query);
    await use(...pages);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
}

/** In the page: bytes received of the other's camera and microphone; undefined while there is no such track here. */
async function bytes() {
  const sum = {};
  for (const track of globalThis.tureen.call.tracks.values()) {
    if (track.media || !track.receiver) continue;
    for (const report of (await track.receiver.getStats()).values()) {
      if (report.type === "inbound-rtp") sum[track.source] = report.bytesReceived;
    }
  }
  return sum;
}

/** Waits until more of this source arrives than now. */
async function flows(page, source) {
  const ask = `(async () => (await (${bytes})())["${source}"] ?? -1)()`;
  const start = await page.evaluate(ask);
  const end = Date.now() + 20_000;
  while ((await page.evaluate(ask)) <= start + 500) {
    assert.ok(Date.now() < end, `${source} does not flow`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until the transport counts no more bytes of this source, while the other source goes on. */
async function isDropped(page, source, other) {
  await until(page, `${source} is offered no more`, async ([which, count]) =>
    (await (0, eval)(`(${count})`)())[which] === undefined, [source, String(bytes)]);
  await flows(page, other);
  const there = await page.evaluate(bytes);
  assert.equal(there[source], undefined, `${source} is received`);
}

const tool = (label) => `.tile:not(.mirrored) .tools [title='${label}']:not([hidden])`;

test("picture and sound are dropped and taken one by one", async () => {
  await inRoom("pho", "", async (ann, bob) => {
    await seen(bob, "Ann");
    await click(bob, tool("Stop receiving the picture"));
    await isDropped(bob, "camera", "microphone");
    await shown(bob, "the word for it", ".tile:not(.mirrored) .message:not([hidden])");
    await click(bob, tool("Receive the picture"));
    await flows(bob, "camera");
    await click(bob, tool("Stop receiving the sound"));
    await isDropped(bob, "microphone", "camera");
    assert.equal(await bob.evaluate(() => document.querySelectorAll(".stage audio").length), 0);
    // A wish holds for what comes next from the same place.
    await click(bob, tool("Stop receiving the picture"));
    await click(ann, ".bar [title='Turn the camera off']");
    await until(bob, "no camera", () => [...globalThis.tureen.call.tracks.values()].filter(({ source }) => source === "camera").length === 1);
    await until(ann, "the button", () => document.querySelector(".bar [title='Turn the camera on']:not(:disabled)"));
    await click(ann, ".bar [title='Turn the camera on']");
    await shown(bob, "the camera, not received", tool("Receive the picture"));
    await click(bob, tool("Receive the picture"));
    await click(bob, tool("Receive the sound"));
    await seen(bob, "Ann");
  });
});

test("with ?consume=false nothing is received but what is taken", async () => {
  await inRoom("ramen", "?consume=false", async (ann, bob) => {
    await seen(ann, "Bob");
    await shown(bob, "Ann's tile, which says so", `${tool("Receive the picture")}`);
    assert.equal(await bob.evaluate(() => document.querySelector(".tile:not(.mirrored) .message").textContent), "Not received");
    assert.equal(await bob.evaluate(() => Boolean(globalThis.tureen.call.connections.receive)), false);
    await click(bob, tool("Receive the sound"));
    await flows(bob, "microphone");
    assert.equal((await bob.evaluate(bytes)).camera, undefined);
    await click(bob, tool("Receive the picture"));
    await seen(bob, "Ann");
  });
});

test("another device during a call, muted as before, and a device that is lost", async () => {
  await inRoom("laksa", "", async (ann, bob) => {
    await seen(bob, "Ann");
    await click(ann, ".bar [title='Turn the microphone off']");
    const devices = () => ["camera", "microphone"].map((source) => globalThis.tureen.call.mine(source)[0].media.getSettings().deviceId);
    const old = await ann.evaluate(devices);
    await click(ann, ".bar [title=Devices]");
    await ann.waitForSelector("dialog select");
    await ann.evaluate((before) => {
      for (const select of document.querySelectorAll("dialog select")) {
        const other = [...select.options].findLast(({ value }) => !before.includes(value));
        select.value = other.value;
        select.dispatchEvent(new Event("change"));
      }
      document.querySelector("dialog button[value=done]").click();
    }, old);
    await until(ann, "other devices", (before) => ["camera", "microphone"].every((source, index) =>
      globalThis.tureen.call.mine(source)[0].media.getSettings().deviceId !== before[index]), old);
    await flows(bob, "camera");
    const state = await ann.evaluate(() => globalThis.opened.map(({ kind, readyState, enabled }) => `${kind} ${readyState} ${enabled}`).sort());
    assert.deepEqual(state, ["audio ended false", "audio live false", "video ended true", "video live true"]);
    await click(ann, ".bar [title='Turn the microphone on']");
    await flows(bob, "microphone");

    // The replaced devices end, as they do when they are unplugged.
    await ann.evaluate(() => {
      const [track] = globalThis.tureen.call.mine("camera");
      track.media.stop();
      track.media.dispatchEvent(new Event("ended"));
    });
    await until(bob, "Ann without a camera", () =>
      ![...globalThis.tureen.call.tracks.values()].some(({ source, media }) => source === "camera" && !media));
    await shown(ann, "the button that is off", ".bar [title='Turn the camera on']");
    assert.match(await ann.evaluate(() => document.querySelector("#notices").textContent), /camera is gone/);
    await click(ann, ".bar [title='Turn the camera on']");
    await flows(bob, "camera");
  });
});

test("one who loads the page anew is back as the one they were", async () => {
  await inRoom("miso", "", async (ann, bob) => {
    await seen(bob, "Ann");
    await ann.reload();
    await until(bob, "Ann gone", () => globalThis.tureen.call.participants.size === 1);
    await comeIn(ann);
    await seen(bob, "Ann");
    await seen(ann, "Bob");
    assert.equal(await ann.evaluate(() => globalThis.tureen.call.me.owner), true);
    assert.deepEqual(await bob.evaluate(tracksOf, "Ann"), ["camera", "microphone"]);
  });
});
