// What people do in rooms besides seeing each other, and what can go wrong around them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { enterRoom, hearsAndSees, received, until } from "./pages.mjs";
import { startServer } from "./server.mjs";

let server;
let browsers;

before(async () => {
  server = await startServer(["--ping-interval=1", "--ping-timeout=3"]);
  browsers = await Promise.all([openBrowser("chromium"), openBrowser("chromium")]);
});

after(async () => {
  await Promise.all((browsers ?? []).map((browser) => browser.close()));
  const children = server ? workersOf(server.pid) : [];
  assert.equal(await server?.stop(), 0, server?.log());
  assert.deepEqual(children.filter(isAlive), [], "no worker is left behind");
});

async function withPages(use) {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  try {
    await use(...pages);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
}

const click = (page, selector) => page.evaluate((one) => document.querySelector(one).click(), selector);
const seen = (page, who, before) => until(page, `${who} is seen and heard`, hearsAndSees, { who, before });

test("people with the passphrase see each other, one with another does not", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "secret", "Ann", "#key=mulligatawny");
    await enterRoom(bob, server.url, "secret", "Bob", "#key=mulligatawny");
    await seen(ann, "Bob");
    await seen(bob, "Ann");
    const eve = await browsers[1].newPage();
    await enterRoom(eve, server.url, "secret", "Eve", "#key=guess");
    await until(eve, "the sign of another passphrase", () =>
      [...document.querySelectorAll(".tile .message")].some((message) => !message.hidden));
    const frames = (await eve.evaluate(received)).map(({ frames }) => frames);
    assert.deepEqual(frames.filter((count) => count > 0), []);
    await eve.goto(`${server.url}room/secret`);
    await eve.waitForSelector(".door select");
    await click(eve, ".door button[type=submit]");
    await until(eve, "the question for the passphrase", () =>
      document.querySelector(".door input[type=password]")?.offsetParent !== null);
    await eve.close();
  });
});

test("encryption works where transforms are older", async () => {
  await withPages(async (ann, bob) => {
    // Chromium before it had RTCRtpScriptTransform.
    await ann.addInitScript(() => delete globalThis.RTCRtpScriptTransform);
    await enterRoom(ann, server.url, "older", "Ann", "#key=mulligatawny");
    await enterRoom(bob, server.url, "older", "Bob", "#key=mulligatawny");
    await seen(ann, "Bob");
    await seen(bob, "Ann");
  });
});

test("one presents, the others watch without devices", async () => {
  await withPages(async (ann, bob) => {
    await comeToLobby(ann, "Ann");
    await click(ann, ".lobby .start > button");
    await ann.evaluate(() => {
      document.querySelector("dialog [value=presentation]").click();
      document.querySelector("dialog button[value=create]").click();
    });
    await ann.waitForSelector(".door select");
    await click(ann, ".door button[type=submit]");
    await ann.waitForSelector(".room");
    const link = await ann.evaluate(() => location.href);
    await enterRoom(bob, server.url, link.split("/").at(-1), "Bob");
    await seen(bob, "Ann");
    const buttons = await bob.evaluate(() => [...document.querySelectorAll(".bar button")].filter((one) => one.offsetParent).map(({ title }) => title));
    assert.deepEqual(buttons, ["Devices", "Leave"]);
    assert.equal(await ann.evaluate(() => document.querySelectorAll(".tile").length), 1);
  });
});

test("a call goes on after an ICE restart, and after a track was dropped and taken again", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "chowder", "Ann");
    await enterRoom(bob, server.url, "chowder", "Bob");
    await seen(ann, "Bob");
    const ufrags = () => Object.values(globalThis.tureen.call.connections).map((pc) =>
      pc.remoteDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]);
    const old = await ann.evaluate(ufrags);
    await ann.evaluate(() => globalThis.dispatchEvent(new Event("online")));
    await until(ann, "new credentials on both connections", (before) =>
      Object.values(globalThis.tureen.call.connections).every((pc) =>
        !before.includes(pc.remoteDescription.sdp.match(/a=ice-ufrag:(.*)/)[1])), old);
    await seen(ann, "Bob", await seen(ann, "Bob"));
    await seen(bob, "Ann", await seen(bob, "Ann"));

    await click(ann, ".tile:not(.mirrored) [title='Stop receiving this']");
    await until(ann, "no picture of Bob", () => document.querySelector(".tile:not(.mirrored) video").hidden);
    await click(ann, ".tile:not(.mirrored) [title='Receive this again']");
    await until(ann, "a picture of Bob", () => !document.querySelector(".tile:not(.mirrored) video").hidden);

    // The camera off and on again: its media sections are used again, on both connections.
    await click(bob, ".bar [title='Turn the camera off']");
    await until(ann, "no camera of Bob", () => document.querySelector(".tile:not(.mirrored) video").hidden);
    await until(bob, "the button", () => document.querySelector(".bar [title='Turn the camera on']:not(:disabled)"));
    await click(bob, ".bar [title='Turn the camera on']");
    await until(ann, "the camera of Bob", () => !document.querySelector(".tile:not(.mirrored) video").hidden);
    const sections = await bob.evaluate(() => globalThis.tureen.call.connections.publish.getTransceivers().length);
    assert.equal(sections, 2);
  });
});

test("screens stand side by side, and a click puts one on the stage for everyone", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "gazpacho", "Ann");
    await enterRoom(bob, server.url, "gazpacho", "Bob");
    await seen(bob, "Ann");
    await ann.evaluate(async () => {
      for (const colour of ["red", "blue"]) {
        const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
        const context = canvas.getContext("2d");
        setInterval(() => {
          context.fillStyle = colour;
          context.fillRect(0, 0, 320, 180);
        }, 100);
        const [track] = canvas.captureStream(10).getTracks();
        await globalThis.tureen.call.publish(track, { source: "screen", label: colour });
      }
    });
    await until(bob, "two screens that move", () => {
      const videos = [...document.querySelectorAll(".tile.screen video")];
      return videos.length === 2 && videos.every((video) => video.getVideoPlaybackQuality().totalVideoFrames > 2);
    });
    await click(bob, ".tile.screen .put");
    for (const page of [ann, bob]) {
      await until(page, "one on the stage, the rest in the strip", () =>
        document.querySelectorAll(".main .tile").length === 1 && document.querySelectorAll(".strip .tile").length === 3);
    }
    await click(ann, ".bar [title='Stop sharing']");
    await until(bob, "no screens, no stage", () =>
      document.querySelectorAll(".tile.screen").length === 0 && document.querySelectorAll(".main .tile").length === 2);
  });
});

test("the owner starts the call and everyone is rung", async () => {
  await withPages(async (ann, bob) => {
    await comeToLobby(ann, "Ann");
    await click(ann, ".lobby .start > button");
    await ann.evaluate(() => {
      document.querySelector("dialog input[type=checkbox]").click();
      document.querySelector("dialog button[value=create]").click();
    });
    await ann.waitForSelector(".door select");
    await click(ann, ".door button[type=submit]");
    await ann.waitForSelector(".room");
    await comeToLobby(bob, "Bob");
    // Rooms of tests before may still be listed; this one is the only one that waits.
    await until(bob, "the room with its head-count", () =>
      document.querySelector(".list li:has(.badge.warm) .small")?.textContent.startsWith("1 person"));
    await click(bob, ".list li:has(.badge.warm) button");
    await bob.waitForSelector(".door select");
    await click(bob, ".door button[type=submit]");
    await until(bob, "the waiting room", () => document.querySelector(".stage .alone"));
    await click(ann, ".bar button[title^='Start the call']");
    await bob.waitForSelector("dialog button[value=accept]");
    await click(bob, "dialog button[value=accept]");
    await seen(ann, "Bob");
    await seen(bob, "Ann");
    await click(ann, ".bar .leave");
    await ann.waitForSelector("dialog button[value=end]");
    await click(ann, "dialog button[value=end]");
    await until(bob, "the end", () => document.querySelector(".welcome h1")?.textContent === "This room has ended");
  });
});

test("one rings another from the lobby", async () => {
  await withPages(async (rita, otto) => {
    await comeToLobby(rita, "Rita");
    await comeToLobby(otto, "Otto");
    const ring = "[aria-label='Ring Otto']";
    await until(rita, "Otto online", (one) => document.querySelector(one), ring);
    await click(rita, ring);
    await otto.waitForSelector("dialog button[value=decline]");
    await click(otto, "dialog button[value=decline]");
    await until(rita, "the answer", () => document.querySelector("#notices").textContent.includes("declined"));
    await click(rita, ring);
    await otto.waitForSelector("dialog button[value=accept]");
    await click(otto, "dialog button[value=accept]");
    for (const page of [rita, otto]) await page.waitForSelector(".room");
    await seen(rita, "Otto");
    await seen(otto, "Rita");
  });
});

test("one who closes the page is missed", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "gone", "Ann");
    await enterRoom(bob, server.url, "gone", "Bob");
    await until(ann, "Bob", () => document.querySelectorAll(".people li").length === 2);
    await bob.close();
    await until(ann, "Bob gone", () => document.querySelectorAll(".people li").length === 1);
  });
});

test("a call comes back when its worker dies", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "phoenix", "Ann");
    await enterRoom(bob, server.url, "phoenix", "Bob");
    await seen(ann, "Bob");
    const [worker] = workersOf(server.pid);
    const old = await ann.evaluate(() => globalThis.tureen.call.connections.receive.remoteDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]);
    process.kill(worker, "SIGKILL");
    const isNew = (before) => globalThis.tureen.call.connections.receive?.remoteDescription &&
      globalThis.tureen.call.connections.receive.remoteDescription.sdp.match(/a=ice-ufrag:(.*)/)[1] !== before;
    await Promise.all([until(ann, "another connection", isNew, old), seen(bob, "Ann")]);
    assert.notEqual(workersOf(server.pid)[0], worker);
    await seen(ann, "Bob", await seen(ann, "Bob"));
    await seen(bob, "Ann", await seen(bob, "Ann"));
  });
});

/** Comes to the lobby under a name, as a person who may have been here under another. */
async function comeToLobby(page, name) {
  await page.goto(server.url);
  await page.waitForSelector(".welcome form, .lobby");
  await page.evaluate(() => document.querySelector(".lobby .me button")?.click());
  await page.waitForSelector(".welcome form");
  await page.evaluate((text) => {
    document.querySelector(".welcome input").value = text;
    document.querySelector(".welcome button[type=submit]").click();
  }, name);
  await page.waitForSelector(".lobby");
}

/** Process ids of a server's workers. */
function workersOf(pid) {
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).map(Number).filter((one) => {
    try {
      const stat = readFileSync(`/proc/${one}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
    } catch {
      return false;
    }
  });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
