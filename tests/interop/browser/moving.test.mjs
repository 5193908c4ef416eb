// A host moves somebody into another room, and their page goes over with all that it shows.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { click, comeToLobby, enterRoom, makeRoom, seen, shown, tracksOf, until, withScreens } from "./pages.mjs";
import { startProxy, startServer } from "./server.mjs";

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

const tool = (label) => `.people [title='${label}']:not([hidden])`;

/** As the host: moves someone to where the text leads. */
async function move(page, who, text) {
  await click(page, tool(`Move ${who} to another room…`));
  await page.waitForSelector("dialog button[value=move]");
  await page.evaluate((where) => {
    document.querySelector("dialog input").value = where;
    document.querySelector("dialog button[value=move]").click();
  }, text);
}

const here = (page) => page.evaluate(() => {
  const { call } = globalThis.tureen;
  return { path: location.pathname, room: call.room.id, title: document.querySelector(".room h1").textContent, me: call.me.id };
});

const notice = (page, text) => until(page, text, (one) => document.querySelector("#notices").textContent.includes(one), text);

/** Tells the page something in words, and waits until that is gone. */
async function tellInPassing(page) {
  const isThere = () => [...document.querySelectorAll(".notice")].some((one) => one.textContent.startsWith("The link is copied"));
  await page.evaluate(() => {
    navigator.clipboard.writeText = async () => {};
    document.querySelector("[aria-label^='Copy the link']").click();
  });
  await until(page, "a notice", isThere);
  await until(page, "its end", `!(${isThere})()`);
}

test("a host moves a guest, whose page goes over with what it shows", async () => {
  const pages = await Promise.all([0, 1, 1].map((index) => browsers[index].newPage()));
  const [ann, bob, cid] = pages;
  try {
    await withScreens(bob);
    await enterRoom(ann, server.url, "goulash", "Ann");
    await enterRoom(bob, server.url, "goulash", "Bob", "?open=true");
    await enterRoom(cid, server.url, "borscht", "Cid");
    await seen(ann, "Bob");
    assert.equal(await bob.evaluate((selector) => Boolean(document.querySelector(selector)), tool("Move Ann to another room…")), false, "a guest moves nobody");
    await click(bob, ".bar [title='Share a screen']");
    await until(ann, "Bob's screen", () => [...globalThis.tureen.call.tracks.values()].some(({ source }) => source === "screen"));
    await ann.evaluate(() => globalThis.tureen.call.say("Only for goulash"));
    await until(bob, "the message", () => document.querySelector(".chat ol").textContent.includes("Only for goulash"));
    await cid.evaluate(() => globalThis.tureen.call.say("Welcome to borscht"));

    // It is not Ann's room.
    await move(ann, "Bob", `${server.url}room/borscht`);
    await notice(ann, "owner's secret");
    await seen(ann, "Bob");
    const before = await here(bob);

    // Cid lets her in on it.
    const secret = await cid.evaluate(() => localStorage.getItem("tureen.secret.borscht"));
    await ann.evaluate((text) => localStorage.setItem("tureen.secret.borscht", text), secret);
    await move(ann, "Bob", `${server.url}room/borscht`);
    await notice(bob, "Ann has moved you to “borscht”");
    const there = await here(bob);
    assert.deepEqual(there, { path: "/room/borscht", room: "borscht", title: "borscht", me: before.me });
    assert.equal(await bob.evaluate(() => location.search), "");
    await until(ann, "Bob gone", () => globalThis.tureen.call.participants.size === 1);
    await until(ann, "no tile of his", () => document.querySelectorAll(".tile").length === 1);
    await seen(cid, "Bob");
    await seen(bob, "Cid");
    await until(cid, "all his tracks", ([names, who]) => (0, eval)(`(${names})`)(who).length === 4, [String(tracksOf), "Bob"]);
    assert.deepEqual(await cid.evaluate(tracksOf, "Bob"), ["camera", "microphone", "screen Screen 1", "screen-audio Screen 1"]);
    const chat = await bob.evaluate(() => document.querySelector(".chat ol").textContent);
    assert.ok(chat.includes("Welcome to borscht") && !chat.includes("goulash"), chat);
    // Nothing was opened anew, and nobody else was told of anything.
    assert.deepEqual(await bob.evaluate(() => globalThis.opened.map(({ kind, readyState }) => `${kind} ${readyState}`).sort()), ["audio live", "video live"]);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
});

test("what is switched off stays off, and a room is made for one who is moved", async () => {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  const [ann, bob] = pages;
  try {
    await enterRoom(ann, server.url, "solyanka", "Ann");
    await enterRoom(bob, server.url, "solyanka", "Bob");
    await seen(ann, "Bob");
    await click(ann, tool("Mute Bob"));
    await shown(bob, "the button that is off", ".bar [title='Turn the microphone on']");
    await click(bob, ".bar [title='Turn the camera off']");
    await until(ann, "no camera", ([names]) => (0, eval)(`(${names})`)("Bob").join() === "microphone muted", [String(tracksOf)]);
    await move(ann, "Bob", "A quiet corner");
    await notice(ann, "Bob is in A quiet corner now.");
    await notice(bob, "Ann has moved you to “A quiet corner”.");
    const { path, room } = await here(bob);
    assert.equal(path, `/room/${room}`);
    assert.notEqual(room, "solyanka");

    // She follows him, and the room is hers. The way there outlasts what is told later, until she closes it.
    await tellInPassing(ann);
    assert.equal(await ann.evaluate(() => document.querySelector(".notice a").pathname), path);
    await ann.evaluate(() => sessionStorage.setItem("test", "goes along"));
    const [other] = await Promise.all([ann.waitForEvent("popup"), click(ann, ".notice a")]);
    await other.waitForSelector(".door form");
    assert.deepEqual(await other.evaluate(() => [location.pathname, sessionStorage.getItem("test")]), [path, "goes along"]);
    await other.close();
    await ann.focus(".notice button[aria-label='Close this notice']");
    await ann.keyboard.press("Enter");
    assert.equal(await ann.evaluate(() => document.querySelectorAll(".notice").length), 0);
    await enterRoom(ann, server.url, room, "Ann");
    await until(ann, "Bob's track", ([names]) => (0, eval)(`(${names})`)("Bob").join() === "microphone muted", [String(tracksOf)]);
    assert.equal(await ann.evaluate(() => globalThis.tureen.call.me.owner), true);
    await shown(bob, "still off", ".bar [title='Turn the camera on']");
    await click(bob, ".bar [title='Turn the microphone on']");
    await click(bob, ".bar [title='Turn the camera on']");
    await seen(ann, "Bob");
    await seen(bob, "Ann");

    // The page that comes again is where it was.
    await bob.reload();
    await bob.waitForSelector(".door form");
    assert.match(await bob.evaluate(() => document.querySelector(".door h1").textContent), /A quiet corner/);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
});

test("a page that is moved while its connection is lost finds itself in the other room", async () => {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  const [ann, bob] = pages;
  const way = await startProxy(server.url);
  try {
    await enterRoom(ann, server.url, "ucha", "Ann");
    await enterRoom(bob, way.url, "ucha", "Bob");
    await seen(ann, "Bob");
    way.cut();
    await until(bob, "the loss", () => globalThis.tureen.call.isReconnecting);
    await move(ann, "Bob", "Elsewhere");
    await until(ann, "Bob gone", () => globalThis.tureen.call.participants.size === 1);
    assert.equal((await here(bob)).room, "ucha");
    way.mend();
    await notice(bob, "Ann has moved you to “Elsewhere”.");
    const { room } = await here(bob);
    await enterRoom(ann, server.url, room, "Ann");
    await seen(ann, "Bob");
    await seen(bob, "Ann");
  } finally {
    await Promise.all(pages.map((page) => page.close()));
    way.close();
  }
});

for (const [where, isLater] of [["a meeting that has not begun", true], ["a call", false]]) {
  test(`one who is moved out of ${where} to where they only watch lets go of camera and microphone`, async () => {
    // The host has both rooms, in two windows.
    const pages = await Promise.all([0, 0, 1].map((index) => browsers[index].newPage()));
    const [ann, stage, bob] = pages;
    const make = async (page, change) => {
      await comeToLobby(page, server.url, "Ann");
      await makeRoom(page, change);
      return page.url().split("/").at(-1);
    };
    const presents = () => document.querySelector("dialog [value=presentation]").click();
    const beginsLater = () => document.querySelector("dialog .check input").click();
    try {
      const talk = await make(stage, isLater ? presents : `(${presents})(), (${beginsLater})()`);
      await enterRoom(bob, server.url, await make(ann, isLater ? beginsLater : () => {}), "Bob");
      if (isLater) await shown(bob, "a camera that is open", ".bar [title='Turn the camera off']");
      else await seen(ann, "Bob");
      const opened = () => globalThis.opened.map(({ kind, readyState }) => `${kind} ${readyState}`).sort();
      await until(bob, "both devices", () => globalThis.opened.length === 2);
      assert.deepEqual(await bob.evaluate(opened), ["audio live", "video live"]);
      await move(ann, "Bob", talk);
      await notice(bob, "has moved you to");
      assert.equal((await here(bob)).room, talk);
      assert.deepEqual(await bob.evaluate(opened), ["audio ended", "video ended"]);
      const buttons = await bob.evaluate(() => [...document.querySelectorAll(".bar button")].filter((one) => one.offsetParent).map(({ title }) => title));
      assert.deepEqual(buttons, isLater ? ["Enter the call", "Devices", "Leave"] : ["Devices", "Leave"]);
      assert.deepEqual(await stage.evaluate(tracksOf, "Bob"), []);
    } finally {
      await Promise.all(pages.map((page) => page.close()));
    }
  });
}

test("for one who cannot be moved no room is made", async () => {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  const [ann, bob] = pages;
  const rooms = async () => (await (await fetch(`${server.url}metrics`)).text()).match(/^tureen_rooms \d+$/m)[0];
  try {
    await enterRoom(ann, server.url, "shchi", "Ann");
    await enterRoom(bob, server.url, "shchi", "Bob");
    // A client that does not say that it can be moved.
    await bob.evaluate(async () => {
      const socket = new WebSocket(new URL("/ws", location).href.replace("http", "ws"));
      await new Promise((resolve) => (socket.onopen = resolve));
      socket.send(JSON.stringify({ id: 1, type: "hello", data: { version: 1, name: "Carl" } }));
      socket.send(JSON.stringify({ id: 2, type: "join", data: { room: "shchi" } }));
    });
    await shown(ann, "Carl", tool("Move Carl to another room…"));
    const before = await rooms();
    await move(ann, "Carl", "Side room");
    await notice(ann, "cannot go over into another room");
    assert.equal(await rooms(), before);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
});

test("what is under way in the moment of a move does nothing in the other room", async () => {
  const pages = await Promise.all([0, 1, 0].map((index) => browsers[index].newPage()));
  const [ann, bob, cid] = pages;
  try {
    for (const page of pages) await withScreens(page);
    await enterRoom(cid, server.url, "rassolnik", "Cid");
    await click(cid, ".bar [title='Share a screen']");
    const staged = await until(cid, "a stage", () => globalThis.tureen.call.stage);
    await enterRoom(ann, server.url, "okroshka", "Ann");
    await enterRoom(bob, server.url, "okroshka", "Bob");
    await seen(ann, "Bob");
    // What the server says of Ann's screen and answers to Bob's takes effect only when the room is another.
    await bob.evaluate(() => {
      const { getDisplayMedia } = MediaDevices.prototype;
      MediaDevices.prototype.getDisplayMedia = async () => new MediaStream((await getDisplayMedia()).getVideoTracks());
      Object.assign(globalThis, { waiting: [], problems: [] });
      globalThis.tureen.call.addEventListener("problem", ({ detail }) => globalThis.problems.push(detail.message));
      const { setRemoteDescription } = RTCPeerConnection.prototype;
      const gate = new Promise((resolve) => (globalThis.openGate = resolve));
      RTCPeerConnection.prototype.setRemoteDescription = async function wait(description) {
        globalThis.waiting.push(description.type);
        await gate;
        return setRemoteDescription.call(this, description);
      };
    });
    await click(bob, ".bar [title='Share a screen']");
    await click(ann, ".bar [title='Share a screen']");
    await until(bob, "both", () => ["answer", "offer"].every((type) => globalThis.waiting.includes(type)));
    await move(ann, "Bob", `${server.url}room/rassolnik`);
    await notice(bob, "has moved you to “rassolnik”");
    await bob.evaluate(() => globalThis.openGate());
    await until(cid, "Bob's screen", ([names]) => (0, eval)(`(${names})`)("Bob").includes("screen Screen 1"), [String(tracksOf)]);
    await bob.evaluate(() => globalThis.tureen.call.say("All is said"));
    await until(cid, "the last word", () => document.querySelector(".chat ol").textContent.includes("All is said"));
    assert.equal(await cid.evaluate(() => globalThis.tureen.call.stage), staged);
    assert.deepEqual(await bob.evaluate(() => globalThis.problems), []);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
});
