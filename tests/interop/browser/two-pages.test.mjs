// Two people in a room of a real server, in real browsers with fake devices.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { connectionState, enterRoom, hearsAndSees, until } from "./pages.mjs";
import { startServer } from "./server.mjs";

let server;
let browsers;

before(async () => {
  server = await startServer();
  // A browser each: two people do not share a process, nor what it stores.
  browsers = await Promise.all([openBrowser("chromium"), openBrowser("chromium")]);
});

after(async () => {
  await Promise.all((browsers ?? []).map((browser) => browser.close()));
  assert.equal(await server?.stop(), 0, server?.log());
});

/** Two people in a room; both are gone when `use` is done. */
async function inRoom(room, query, use) {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  try {
    for (const [page, name] of [[pages[0], "Ann"], [pages[1], "Bob"]]) await enterRoom(page, server.url, room, name, query);
    await use(...pages);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
}

async function seeEachOther(ann, bob) {
  for (const [page, who] of [[ann, "Bob"], [bob, "Ann"]]) {
    const before = await until(page, `${who} is seen and heard`, hearsAndSees, { who });
    await until(page, `${who} goes on`, hearsAndSees, { who, before });
  }
}

test("two people see and hear each other", async () => {
  await inRoom("soup", "", async (ann, bob) => {
    await seeEachOther(ann, bob);
    for (const { transport } of Object.values(await ann.evaluate(connectionState))) {
      assert.match(transport[0].srtpCipher, /GCM/);
    }
  });
});

test("chat arrives, mute shows, a screen appears, and leaving removes the tile", async () => {
  await inRoom("stew", "", async (ann, bob) => {
    await seeEachOther(ann, bob);
    await ann.evaluate(() => globalThis.tureen.call.say("<b>hello</b>"));
    await until(bob, "the message", () => [...document.querySelectorAll(".chat li p")].some((line) => line.textContent === "<b>hello</b>"));

    await ann.evaluate(() => document.querySelector(".bar [title='Turn the microphone off']").click());
    await until(bob, "the sign of a muted microphone", () =>
      [...document.querySelectorAll(".tile .name")].some((name) => name.textContent === "mutedAnn"));

    // A picture in place of a screen: headless browsers have none.
    await ann.evaluate(async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
      const context = canvas.getContext("2d");
      setInterval(() => {
        context.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
        context.fillRect(0, 0, 320, 180);
      }, 100);
      const [track] = canvas.captureStream(10).getTracks();
      const screen = await globalThis.tureen.call.publish(track, { source: "screen" });
      await globalThis.tureen.call.putOnStage(screen);
    });
    await until(bob, "the screen on the stage", () => {
      const video = document.querySelector(".main .tile.screen video");
      return video && video.getVideoPlaybackQuality().totalVideoFrames > 3;
    });

    await ann.evaluate(() => document.querySelector(".bar .leave").click());
    await ann.evaluate(() => document.querySelector("dialog button[value=leave]")?.click());
    await until(bob, "Ann's tiles gone", () => document.querySelectorAll(".tile").length === 1);
  });
});

test("over TCP only", async () => {
  await inRoom("broth", "?forceTcp=true", async (ann, bob) => {
    await seeEachOther(ann, bob);
    const protocols = await ann.evaluate(async () => {
      const reports = [...(await globalThis.tureen.call.connections.publish.getStats()).values()];
      const pair = reports.find(({ type, nominated }) => type === "candidate-pair" && nominated);
      return reports.find(({ id }) => id === pair.localCandidateId).protocol;
    });
    assert.equal(protocols, "tcp");
  });
});

test("a viewer without devices watches", async () => {
  const [one, other] = await Promise.all(browsers.map((browser) => browser.newPage()));
  await enterRoom(one, server.url, "show", "Ann");
  await enterRoom(other, server.url, "show", "Bob", "?produce=false");
  await until(other, "Ann is seen", hearsAndSees, { who: "Ann" });
  assert.equal(await other.evaluate(() => Boolean(globalThis.tureen.call.connections.publish)), false);
  await Promise.all([one.close(), other.close()]);
});
