// Connections that are lost for a moment: the person stays in the room, and media goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { click, enterRoom, received, seen, shown, tracksOf, until, withScreens } from "./pages.mjs";
import { startProxy, startServer } from "./server.mjs";

let browsers;

before(async () => {
  browsers = await Promise.all([openBrowser("chromium"), openBrowser("chromium")]);
});

after(async () => {
  await Promise.all((browsers ?? []).map((browser) => browser.close()));
});

/** Ann, and Bob whose way to the server can be cut. */
async function inRoom(room, flags, use) {
  const server = await startServer(flags);
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  const way = await startProxy(server.url);
  const [ann, bob] = pages;
  try {
    await withScreens(ann);
    await enterRoom(ann, server.url, room, "Ann");
    await enterRoom(bob, way.url, room, "Bob");
    await seen(ann, "Bob");
    await seen(bob, "Ann");
    for (const page of pages) await page.evaluate(watch);
    await use(ann, bob, way, server);
    for (const page of pages) assert.deepEqual(await page.evaluate(() => globalThis.noted), [], "nobody was told of anything");
  } finally {
    await Promise.all(pages.map((page) => page.close()));
    way.close();
    assert.equal(await server.stop(), 0, server.log());
  }
}

/** In the page: notes everything that a person would see of a loss, and keeps the tiles in mind. */
function watch() {
  const { call } = globalThis.tureen;
  globalThis.noted = [];
  globalThis.me = call.me.id;
  globalThis.videos = [...document.querySelectorAll(".tile video")];
  const ids = () => [...call.participants.keys()].sort().join();
  const before = ids();
  call.addEventListener("change", ({ detail }) => {
    if (detail === "participants" && ids() !== before) globalThis.noted.push(`people: ${ids()}`);
  });
  for (const event of ["lost", "problem", "removed"]) {
    call.addEventListener(event, ({ detail }) => globalThis.noted.push(`${event} ${detail?.message ?? ""}`));
  }
  new MutationObserver(() => {
    if (document.querySelector(".overlay")) globalThis.noted.push("overlay");
    if (!globalThis.videos.every((video) => video.isConnected && video.srcObject)) globalThis.noted.push("a tile flickers");
  }).observe(document.body, { childList: true, subtree: true });
}

/** In the page: asserts in every half second that frames of `who` are decoded, for so many seconds. */
async function flows(page, who, seconds) {
  const frames = async () => (await page.evaluate(received)).find((one) => one.who === who && one.source === "camera").frames;
  let before = await frames();
  for (let half = 0; half < 2 * seconds; half++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = await frames();
    assert.ok(now > before, `frames of ${who} after ${half / 2} s: ${before}, ${now}`);
    before = now;
  }
}

const badge = () => document.querySelector("header .badge").textContent;
const isReconnecting = (page) => until(page, "the word for it", () => document.querySelector("header .badge").textContent === "reconnecting…");
const chat = (page) => page.evaluate(() => globalThis.tureen.call.chat.map(({ text }) => text));

async function isAsBefore(page) {
  await until(page, "the connection", () => !globalThis.tureen.call.isReconnecting);
  const state = await page.evaluate(() => ({
    isMe: globalThis.tureen.call.me.id === globalThis.me,
    isSame: globalThis.videos.every((video) => video.isConnected),
  }));
  assert.deepEqual(state, { isMe: true, isSame: true });
  assert.equal(await page.evaluate(badge), "in call");
}

test("a broken connection is replaced: media flows on, and what was said and shown meanwhile arrives", async () => {
  await inRoom("blink", ["--ping-interval=1", "--ping-timeout=3"], async (ann, bob, way) => {
    way.cut();
    await isReconnecting(bob);
    await ann.evaluate(() => globalThis.tureen.call.say("to one who is away"));
    const said = bob.evaluate(() => globalThis.tureen.call.say("from one who is away"));
    await click(ann, ".bar [aria-label='Share a screen']");
    // Longer than the server waits for a sign of life.
    await Promise.all([flows(ann, "Bob", 5), flows(bob, "Ann", 5)]);
    assert.equal(await bob.evaluate(badge), "reconnecting…");
    way.mend();
    await said;
    await isAsBefore(bob);
    await until(ann, "Bob's words", () => globalThis.tureen.call.chat.length === 2);
    assert.deepEqual(await chat(bob), ["to one who is away", "from one who is away"]);
    assert.deepEqual(await chat(ann), await chat(bob));
    await until(bob, "the screen on the stage, moving", () =>
      document.querySelector(".main .tile.screen video")?.getVideoPlaybackQuality().totalVideoFrames > 3);
    // And once more: the secret is another one now.
    way.cut();
    await isReconnecting(bob);
    way.mend();
    await isAsBefore(bob);
    await Promise.all([flows(ann, "Bob", 1), flows(bob, "Ann", 1)]);
  });
});

test("a dead connection that the server takes for alive gives the session to the next", async () => {
  await inRoom("wink", ["--ping-interval=1", "--ping-timeout=600"], async (ann, bob, way, server) => {
    const metrics = async () => (await fetch(`${server.url}metrics`)).text();
    way.freeze();
    await ann.evaluate(() => globalThis.tureen.call.say("into the void"));
    const said = bob.evaluate(() => globalThis.tureen.call.say("out of the void"));
    // The page finds out by itself, before the server does; meanwhile nobody notices.
    await Promise.all([said, flows(ann, "Bob", 3), flows(bob, "Ann", 3)]);
    await isAsBefore(bob);
    await until(ann, "Bob's words", () => globalThis.tureen.call.chat.length === 2);
    assert.deepEqual(await chat(ann), ["into the void", "out of the void"]);
    assert.deepEqual(await chat(bob), await chat(ann));
    assert.match(await metrics(), /^tureen_people 2$/m);
    assert.match(await metrics(), /^tureen_lingering 0$/m);
    await flows(ann, "Bob", 1);
  });
});

test("one who is away can be muted, and learns of it", async () => {
  await inRoom("nap", ["--ping-interval=1", "--ping-timeout=3"], async (ann, bob, way) => {
    const packets = async () => (await ann.evaluate(received)).find((one) => one.who === "Bob" && one.source === "microphone").packets;
    way.cut();
    await isReconnecting(bob);
    await click(ann, ".people [title='Mute Bob']:not([hidden])");
    await until(ann, "the sign", () => [...globalThis.tureen.call.tracks.values()].some((track) => track.muted));
    const before = await packets();
    await flows(ann, "Bob", 2);
    assert.ok((await packets()) - before < 5, "the server holds the track back");
    way.mend();
    await shown(bob, "the button that is off", ".bar [title='Turn the microphone on']");
    await isAsBefore(bob);
    assert.deepEqual(await ann.evaluate(tracksOf, "Bob"), ["camera", "microphone muted"]);
    await click(bob, ".bar [title='Turn the microphone on']");
    await seen(ann, "Bob", await seen(ann, "Bob"));
  });
});
