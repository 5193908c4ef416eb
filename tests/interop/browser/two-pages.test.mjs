// Two people in a room of a real server, in real browsers with fake devices: all that they do
// together, over UDP and over TCP alone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { click, connectionState, enterRoom, hearsAndSees, seen, shown, until, withScreens } from "./pages.mjs";
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

for (const [how, room, query, protocol] of [["", "soup", "", "udp"], [", over ICE-TCP only", "broth", "?forceTcp=true", "tcp"]]) {
  test(`two people meet${how}`, async () => {
    const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
    try {
      await Promise.all(pages.map(withScreens));
      const [ann, bob] = pages;
      await enterRoom(ann, server.url, room, "Ann", query);
      await enterRoom(bob, server.url, room, "Bob", query);
      await seeEachOther(ann, bob);
      for (const page of pages) await checkTransports(page, protocol);
      await speak(ann, bob);
      await chat(ann, bob);
      await shareScreens(ann, bob);
      await leave(ann, bob);
    } finally {
      await Promise.all(pages.map((page) => page.close()));
    }
  });
}

async function seeEachOther(ann, bob) {
  for (const [page, who] of [[ann, "Bob"], [bob, "Ann"]]) await seen(page, who, await seen(page, who));
}

/** On both connections: the protocol that was chosen, and a cipher that authenticates as it encrypts. */
async function checkTransports(page, protocol) {
  const protocols = await page.evaluate(async () => {
    const list = [];
    for (const pc of Object.values(globalThis.tureen.call.connections)) {
      const reports = [...(await pc.getStats()).values()];
      const pair = reports.find(({ type, nominated }) => type === "candidate-pair" && nominated);
      list.push(reports.find(({ id }) => id === pair.localCandidateId).protocol);
    }
    return list;
  });
  assert.deepEqual(protocols, [protocol, protocol]);
  const { publish, receive } = await page.evaluate(connectionState);
  for (const { transport } of [publish, receive]) assert.match(transport[0].srtpCipher, /GCM/);
}

/** The marks of who speaks and of who is muted, in tile and list. */
async function speak(ann, bob) {
  const isMarked = ({ who, speaks }) => [".tile", ".people li"].every((selector) => {
    const one = [...document.querySelectorAll(selector)].find((each) => each.textContent.includes(who));
    const avatar = selector === ".tile" ? one : one.querySelector(".avatar");
    return one.classList.contains("speaking") === speaks && (getComputedStyle(avatar).boxShadow !== "none") === speaks;
  });
  for (const page of [ann, bob]) {
    for (const who of ["Ann", "Bob"]) await until(page, `the mark that ${who} speaks`, isMarked, { who, speaks: true });
  }
  await click(ann, ".bar [title='Turn the microphone off']");
  await until(bob, "the sign of a muted microphone", () =>
    [...document.querySelectorAll(".tile .name")].some((name) => name.textContent === "mutedAnn"));
  await until(bob, "no mark that Ann speaks", isMarked, { who: "Ann", speaks: false });
  await click(ann, ".bar [title='Turn the microphone on']");
  await until(bob, "the mark again", isMarked, { who: "Ann", speaks: true });
}

async function chat(ann, bob) {
  await ann.evaluate(() => {
    document.querySelector(".chat textarea").value = "<b>hello</b>";
    document.querySelector(".chat form button").click();
  });
  for (const page of [ann, bob]) {
    await until(page, "the message", () => [...document.querySelectorAll(".chat li p")].some((line) => line.textContent === "<b>hello</b>"));
  }
}

/** Two screens by the button, the first of them stopped alone. */
async function shareScreens(ann, bob) {
  await click(ann, ".bar [aria-label='Share a screen']");
  const isOnStage = () => {
    const video = document.querySelector(".main .tile.screen video");
    return video && video.getVideoPlaybackQuality().totalVideoFrames > 3;
  };
  await until(bob, "the screen on the stage", isOnStage);
  await until(bob, "the sound of the screen", async () => {
    const track = [...globalThis.tureen.call.tracks.values()].find(({ source }) => source === "screen-audio");
    const reports = [...(await track.receiver.getStats()).values()];
    return reports.some(({ type, totalAudioEnergy }) => type === "inbound-rtp" && totalAudioEnergy > 0);
  });
  await click(ann, ".bar [aria-label='Share another screen']");
  await until(bob, "the other on the stage, with another name", () => {
    const names = [...document.querySelectorAll(".tile.screen .name")].map(({ textContent }) => textContent);
    return names.join() === "Ann – screen 2,Ann – screen 1";
  });
  await ann.evaluate(() => {
    const tile = [...document.querySelectorAll(".tile.screen")].find((one) => one.textContent.includes("screen 1"));
    tile.querySelector("[title='Stop sharing this screen']").click();
  });
  await until(bob, "one screen and its sound", () => {
    const left = [...globalThis.tureen.call.tracks.values()].filter(({ source }) => source.startsWith("screen"));
    return document.querySelectorAll(".tile.screen").length === 1 && left.length === 2 && left.every(({ label }) => label === "Screen 2");
  });
  await until(bob, "it goes on", isOnStage);
  await click(ann, ".bar [title='Stop sharing']");
  await until(bob, "no screen and no stage", () =>
    document.querySelectorAll(".tile.screen").length === 0 && document.querySelectorAll(".main .tile").length === 2);
}

async function leave(ann, bob) {
  await click(ann, ".bar .leave");
  await ann.evaluate(() => document.querySelector("dialog button[value=leave]")?.click());
  await until(bob, "Ann's tiles gone", () => document.querySelectorAll(".tile").length === 1);
  await shown(ann, "the last page", ".welcome");
  const live = await ann.evaluate(() => globalThis.opened.filter(({ readyState }) => readyState === "live").length);
  assert.equal(live, 0, "no device is left open");
}

test("a viewer without devices watches, and is never asked for one", async () => {
  const [one, other] = await Promise.all(browsers.map((browser) => browser.newPage()));
  try {
    await enterRoom(one, server.url, "show", "Ann");
    await enterRoom(other, server.url, "show", "Bob", "?produce=false");
    await until(other, "Ann is seen", hearsAndSees, { who: "Ann" });
    assert.equal(await other.evaluate(() => Boolean(globalThis.tureen.call.connections.publish)), false);
    assert.equal(await other.evaluate(() => globalThis.opened.length), 0);
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
});
