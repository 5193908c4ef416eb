// Connections that are lost: by the network, by the server, by a browser that is no more.
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { click, comeToLobby, enterRoom, makeRoom, seen, shown, tracksOf, until, withScreens } from "./pages.mjs";
import { isAlive, startProxy, startServer, workersOf } from "./server.mjs";

// Whoever is away for more than a second has to come in anew.
const FLAGS = ["--ping-interval=1", "--ping-timeout=3", "--resume-timeout=1"];
let browsers;

before(async () => {
  browsers = await Promise.all([openBrowser("chromium"), openBrowser("chromium")]);
});

after(async () => {
  await Promise.all((browsers ?? []).map((browser) => browser.close()));
});

/** Two pages, each with a way of its own to a server that may be replaced: `around.server`. */
async function withServer(use) {
  const around = { server: await startServer(FLAGS) };
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  const ways = await Promise.all(pages.map(() => startProxy(around.server.url)));
  try {
    await use(pages, ways, around);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
    for (const way of ways) way.close();
    assert.equal(await around.server.stop(), 0, around.server.log());
  }
}

const opened = (page) => page.evaluate(() => globalThis.opened.length);
const live = (page) => page.evaluate(() => globalThis.opened.filter(({ readyState }) => readyState === "live").map(({ kind, enabled }) => `${kind} ${enabled}`));
const overlay = (page, text = "The connection is lost") => until(page, `the word "${text}"`, (wanted) =>
  document.querySelector(".overlay")?.textContent.includes(wanted), text);

test("after a lost connection everything is as it was: mutes, screens, stage, chat; no device is opened", async () => {
  await withServer(async ([ann, bob], [annsWay, bobsWay], { server }) => {
    await withScreens(ann);
    await enterRoom(ann, annsWay.url, "blip", "Ann");
    await enterRoom(bob, bobsWay.url, "blip", "Bob");
    await seen(bob, "Ann");
    await click(ann, ".bar [title='Turn the microphone off']");
    await click(ann, ".bar [aria-label='Share a screen']");
    await shown(bob, "the screen on the stage", ".main .tile.screen");
    // Bob shows nothing and says nothing.
    await click(bob, ".bar [title='Turn the microphone off']");
    await click(bob, ".bar [title='Turn the camera off']");
    await shown(bob, "the button", ".bar [title='Turn the camera on']:not(:disabled)");
    await ann.evaluate(() => globalThis.tureen.call.say("before"));
    await shown(ann, "the message", ".chat li");
    await ann.evaluate(() => (document.querySelector(".chat textarea").value = "half a sen"));
    const before = [await opened(ann), await live(ann), await opened(bob), await live(bob)];
    const tracks = ["camera", "microphone muted", "screen Screen 1", "screen-audio Screen 1"];
    await until(bob, "all tracks", (count) => globalThis.tureen.call.tracks.size === count, tracks.length + 1);

    annsWay.cut();
    bobsWay.cut();
    await Promise.all([overlay(ann), overlay(bob)]);
    const metrics = async () => (await fetch(`${server.url}metrics`)).text();
    while (!/^tureen_people 0$/m.test(await metrics())) await new Promise((resolve) => setTimeout(resolve, 100));
    bobsWay.mend();
    annsWay.mend();
    for (const page of [ann, bob]) await until(page, "the room again", () => !document.querySelector(".overlay"));

    for (const page of [ann, bob]) {
      await until(page, "all tracks again", (count) => globalThis.tureen.call.tracks.size === count, tracks.length + 1);
    }
    assert.deepEqual(await bob.evaluate(tracksOf, "Ann"), tracks);
    assert.deepEqual(await ann.evaluate(tracksOf, "Bob"), ["microphone muted"]);
    assert.deepEqual([await opened(ann), await live(ann), await opened(bob), await live(bob)], before);
    await until(bob, "the screen on the stage, moving", () =>
      document.querySelector(".main .tile.screen video")?.getVideoPlaybackQuality().totalVideoFrames > 3);
    const chat = await ann.evaluate(() => [document.querySelector(".chat textarea").value, document.querySelectorAll(".chat li").length]);
    assert.deepEqual(chat, ["half a sen", 1]);
    const room = await bob.evaluate(() => [...globalThis.tureen.call.participants.values()].map(({ name, owner }) => `${name} ${owner}`).sort());
    assert.deepEqual(room, ["Ann true", "Bob false"]);
    // And it goes on: what was muted can be heard again.
    await click(ann, ".bar [title='Turn the microphone on']");
    await seen(bob, "Ann");
  });
});

test("after a restart of the server a presentation is its owner's, and the audience waits for it", async () => {
  await withServer(async ([ann, bob], [annsWay, bobsWay], around) => {
    await comeToLobby(ann, annsWay.url, "Ann");
    await makeRoom(ann, () => {
      document.querySelector("dialog [value=presentation]").click();
      document.querySelector("dialog input[type=text]").value = "Ann's talk";
    });
    const room = ann.url().split("/").at(-1);
    await enterRoom(bob, bobsWay.url, room, "Bob");
    await seen(bob, "Ann");
    await click(ann, ".bar [title='Turn the microphone off']");
    annsWay.cut();
    bobsWay.cut();
    await around.server.stop("SIGKILL");
    around.server = await startServer(FLAGS);
    bobsWay.mend(around.server.url);
    await overlay(bob, "Waiting for the owner to open the room again");
    annsWay.mend(around.server.url);
    for (const page of [ann, bob]) {
      await until(page, "the room again", () => !document.querySelector(".overlay"));
      const state = await page.evaluate(() => {
        const { room: { name, kind, listed, state: how }, me } = globalThis.tureen.call;
        return { name, kind, listed, how, who: me.name, owner: me.owner };
      });
      assert.deepEqual(state, {
        name: "Ann's talk", kind: "presentation", listed: true, how: "in-call", who: page === ann ? "Ann" : "Bob", owner: page === ann,
      });
    }
    await until(bob, "Ann's picture", () => document.querySelector(".tile video:not([hidden])")?.getVideoPlaybackQuality().totalVideoFrames > 3);
    assert.deepEqual(await bob.evaluate(tracksOf, "Ann"), ["camera", "microphone muted"]);
    assert.equal(await opened(bob), 0);
    assert.equal(await opened(ann), 2);
  });
});

test("a server that is told to end tells the people in its calls, and leaves nothing behind", async () => {
  await withServer(async ([ann, bob], [annsWay, bobsWay], around) => {
    await enterRoom(ann, annsWay.url, "last", "Ann");
    await enterRoom(bob, bobsWay.url, "last", "Bob");
    await seen(ann, "Bob");
    const workers = workersOf(around.server.pid);
    assert.equal(workers.length, 1);
    assert.equal(await around.server.stop(), 0, around.server.log());
    assert.deepEqual(workers.filter(isAlive), []);
    await Promise.all([ann, bob].map((page) => overlay(page, "The server is being shut down")));
    around.server = await startServer(FLAGS);
    for (const way of [annsWay, bobsWay]) way.mend(around.server.url);
    await seen(ann, "Bob");
  });
});

test("a ring ends with the connection", async () => {
  await withServer(async ([rita, otto], [ritasWay, ottosWay]) => {
    await comeToLobby(rita, ritasWay.url, "Rita");
    await comeToLobby(otto, ottosWay.url, "Otto");
    await shown(rita, "Otto online", "[aria-label='Ring Otto']");
    await click(rita, "[aria-label='Ring Otto']");
    await shown(otto, "the ring", "dialog button[value=accept]");
    ottosWay.cut();
    await overlay(otto);
    // A dialog that is closed goes with the browser's next event.
    await until(otto, "no question any more", () => document.querySelectorAll("dialog").length === 0);
    await until(rita, "the word that nobody answers", () => document.querySelector("#notices").textContent.includes("Otto does not answer"));
    ottosWay.mend();
    await until(otto, "the lobby again", () => !document.querySelector(".overlay") && document.querySelector("[aria-label='Ring Rita']"));
  });
});

test("media that finds no way to the server is told of, with the place", async () => {
  const server = await startServer(FLAGS);
  const wall = createSocket("udp4");
  const [ann, bob] = await Promise.all(browsers.map((browser) => browser.newPage()));
  try {
    // As if a firewall stood between: where Bob looks for the server, nobody answers.
    await new Promise((resolve) => wall.bind(0, "127.0.0.1", resolve));
    const { port } = wall.address();
    await bob.addInitScript((place) => {
      const real = RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
        return real.call(this, { type, sdp: sdp?.replace(/^(a=candidate:\S+ \d+ \S+ \d+) \S+ \d+/gm, `$1 ${place}`) });
      };
    }, `127.0.0.1 ${port}`);
    await enterRoom(ann, server.url, "wall", "Ann");
    await enterRoom(bob, server.url, "wall", "Bob");
    await until(bob, "the word on Ann's tile", () =>
      [...document.querySelectorAll(".tile .message")].some(({ textContent }) => textContent === "Connecting media…"));
    await until(bob, "the reason", (text) => document.querySelector("#notices").textContent.includes(text),
      `no way to the server at 127.0.0.1:${port} (UDP)`, 60);
    await shown(bob, "the sign that stays", "header .badge.warm");
  } finally {
    await Promise.all([ann, bob].map((page) => page.close()));
    wall.close();
    assert.equal(await server.stop(), 0, server.log());
  }
});

test("one who vanishes without a word is missed", async () => {
  const frozen = await openBrowser("chromium");
  const server = await startServer(FLAGS);
  const bob = await browsers[1].newPage();
  try {
    await enterRoom(await frozen.newPage(), server.url, "ghost", "Ann");
    await enterRoom(bob, server.url, "ghost", "Bob");
    await seen(bob, "Ann");
    // Its sockets stay open, and nothing answers there any more.
    frozen.signal("SIGSTOP");
    const start = Date.now();
    await until(bob, "Ann's tile gone", () => document.querySelectorAll(".tile").length === 1);
    assert.ok(Date.now() - start < 10_000);
  } finally {
    frozen.signal("SIGKILL");
    await frozen.close().catch(() => {});
    await bob.close();
    assert.equal(await server.stop(), 0, server.log());
  }
});
