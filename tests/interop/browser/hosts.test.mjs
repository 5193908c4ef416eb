// What those who look after a room do: mute and remove people, lock the room.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { click, comeIn, enterRoom, seen, shown, tracksOf, until } from "./pages.mjs";
import { binary, startServer } from "./server.mjs";

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

/** Ann, who owns the room, and Bob in it. */
async function inRoom(room, use) {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  try {
    await enterRoom(pages[0], server.url, room, "Ann");
    await enterRoom(pages[1], server.url, room, "Bob");
    await seen(pages[0], "Bob");
    await use(...pages);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
}

const tool = (label) => `.people [title='${label}']:not([hidden])`;

/** In the page: the packets of sound that have arrived from the other, in all. */
async function packets() {
  const track = [...globalThis.tureen.call.tracks.values()].find(({ source, media }) => source === "microphone" && !media);
  const report = [...(await track.receiver.getStats()).values()].find(({ type }) => type === "inbound-rtp");
  return report.packetsReceived;
}

/** In the page: the packets of sound that it has sent. */
async function packetsSent() {
  const [{ transceiver }] = globalThis.tureen.call.mine("microphone");
  const report = [...(await transceiver.sender.getStats()).values()].find(({ type }) => type === "outbound-rtp");
  return report.packetsSent;
}

test("the owner mutes someone, who opens the microphone again", async () => {
  await inRoom("goulash", async (ann, bob) => {
    assert.equal(await bob.evaluate((selector) => Boolean(document.querySelector(selector)), tool("Mute Ann")), false, "a guest mutes nobody");
    await click(ann, tool("Mute Bob"));
    await shown(bob, "the button that is off", ".bar [title='Turn the microphone on']");
    await until(bob, "who did it", () => document.querySelector("#notices").textContent.includes("Ann has turned your microphone off"));
    assert.deepEqual(await ann.evaluate(tracksOf, "Bob"), ["camera", "microphone muted"]);
    // Even a page that pays no heed is not heard: the server holds the track back.
    await bob.evaluate(() => (globalThis.tureen.call.mine("microphone")[0].media.enabled = true));
    const before = await ann.evaluate(packets);
    // A second of sound has left Bob's page meanwhile.
    const sent = await bob.evaluate(packetsSent);
    await until(bob, "50 more packets sent", ([sent, count]) => (0, eval)(`(${count})`)().then((now) => now >= sent + 50), [sent, String(packetsSent)]);
    assert.ok((await ann.evaluate(packets)) - before < 5, "nothing arrives");
    await click(bob, ".bar [title='Turn the microphone on']");
    await until(ann, "Bob is heard", ([before, count]) => (0, eval)(`(${count})`)().then((now) => now > before + 20), [before, String(packets)]);
    assert.deepEqual(await ann.evaluate(tracksOf, "Bob"), ["camera", "microphone"]);
  });
});

test("the owner removes someone and locks the room", async () => {
  await inRoom("borscht", async (ann, bob) => {
    await click(ann, tool("Remove Bob"));
    await ann.waitForSelector("dialog button[value=lock]");
    await click(ann, "dialog button[value=lock]");
    await until(bob, "the word for it", () => document.querySelector(".card h1")?.textContent === "You were removed from the room");
    assert.match(await bob.evaluate(() => document.querySelector(".card").textContent), /Ann has removed you/);
    await until(ann, "Bob gone", () => globalThis.tureen.call.participants.size === 1);
    await shown(ann, "the lock", ".room > header [title='Open the room again']");

    // The room is closed to him until it is opened.
    await enterLocked(bob, "borscht");
    await until(bob, "the reason", () => document.querySelector(".door")?.textContent.includes("The room is locked"));
    await click(ann, ".room > header [title='Open the room again']");
    await shown(ann, "no lock", ".room > header [title^='Lock the room']");
    await comeIn(bob);
    await seen(bob, "Ann");
    await seen(ann, "Bob");

    // The owner comes into her own room, locked or not.
    await click(ann, ".room > header [title^='Lock the room']");
    await shown(bob, "the badge", ".room > header .badge[title='Nobody else comes in']:not([hidden])");
    await ann.reload();
    await comeIn(ann);
    await seen(ann, "Bob");
  });
});

test("a page says that somebody records the room, even if that one is hidden", async () => {
  const key = `key:${"s".repeat(32)}`;
  const guarded = await startServer([`--keys=${key}`]);
  const query = (...flags) => {
    const token = execFileSync(binary, ["token", "--keys", key, "--room", "soup", ...flags], { encoding: "utf8" });
    return `?token=${token.trim()}`;
  };
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  const [ann, tape] = pages;
  const badge = ".room > header .badge[title='Somebody records this room']";
  try {
    await enterRoom(ann, guarded.url, "soup", undefined, query("--identity=ann", "--name=Ann"));
    await shown(ann, "no badge yet", `${badge}[hidden]`);
    await enterRoom(tape, guarded.url, "soup", undefined, query("--identity=tape", "--name=Tape", "--hidden", "--recorder"));
    await shown(ann, "the badge", `${badge}:not([hidden])`);
    assert.equal(await ann.evaluate((one) => document.querySelector(one).checkVisibility(), badge), true, "it is seen");
    assert.equal(await ann.evaluate(() => globalThis.tureen.call.participants.size), 1, "nobody else is seen");
    await tape.close();
    await shown(ann, "no badge any more", `${badge}[hidden]`);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
    assert.equal(await guarded.stop(), 0, guarded.log());
  }
});

async function enterLocked(page, room) {
  await page.goto(`${server.url}room/${room}`);
  await page.waitForSelector(".door:not(:has([aria-busy=true])) form");
  await page.evaluate(() => document.querySelector(".door button[type=submit]").click());
}

test("a new name is shown in the list and on the tile", async () => {
  await inRoom("renamed", async (ann, bob) => {
    // A client of an application, which may change its name.
    await bob.evaluate(async () => {
      const socket = new WebSocket(new URL("/ws", location).href.replace("http", "ws"));
      await new Promise((resolve) => (socket.onopen = resolve));
      let id = 0;
      globalThis.carl = (type, data) => socket.send(JSON.stringify({ id: ++id, type, data }));
      globalThis.carl("hello", { version: 1, name: "Carl" });
      globalThis.carl("join", { room: "renamed" });
    });
    const shows = (name) => [".people li", ".tile"].every((where) => {
      const of = [...document.querySelectorAll(where)].filter((one) => one.textContent.includes(name));
      return of.length === 1 && of[0].querySelector(".avatar").textContent === name[0];
    });
    await until(ann, "Carl", shows, "Carl");
    await bob.evaluate(() => globalThis.carl("profile", { name: "Doris" }));
    await until(ann, "Doris", shows, "Doris");
  });
});
