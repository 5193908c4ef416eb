// WHIP and WHEP clients of npm in Chromium, in one room with the page of the server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "../browser/browsers.mjs";
import { comeIn, enterRoom, seen } from "../browser/pages.mjs";
import { startServer } from "../browser/server.mjs";
import { openPage, startSite } from "./site.mjs";

let server;
let site;
let browser;

before(async () => {
  site = await startSite();
  server = await startServer([`--allowed-origins=${site.origin}`]);
  browser = await openBrowser("chromium");
});

after(async () => {
  await browser?.close();
  assert.equal(await server?.stop(), 0);
  site?.close();
});

/** Asks the page for its figures until `enough` says yes. */
async function figures(page, what, enough, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const media = await page.evaluate(() => globalThis.media());
    if (enough(media)) return media;
    assert.ok(Date.now() < end, `${what}: not within ${seconds} s: ${JSON.stringify(media)}\n${server.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const plays = (page, what, more = 0) => figures(page, what, ({ decoded, energy }) => decoded > more + 10 && energy > 0);

/** Waits until the page of the server does not know this participant any more. */
const gone = (page, who) => page.waitForFunction(
  (name) => ![...globalThis.tureen.call.participants.values()].some((one) => one.name === name), who);

for (const client of ["WhipWhep", "Eyevinn"]) {
  test(`${client} publishes into a room, and plays a person of it`, async () => {
    const room = `whip-${client.toLowerCase()}`;
    const publisher = await openPage(browser, site);
    await publisher.evaluate(([name, url]) => globalThis[`publishWith${name}`](url),
      [client, `${server.url}whip/${room}?name=Camera`]);

    const person = await browser.newPage();
    await enterRoom(person, server.url, room, "Ann");
    await seen(person, "Camera");

    const player = await openPage(browser, site);
    await player.evaluate(([name, url]) => globalThis[`playWith${name}`](url), [client, `${server.url}whep/${room}/Ann`]);
    const before = await plays(player, "the page, seen by the player");
    await plays(player, "the page, seen on", before.decoded);

    await publisher.evaluate(() => (globalThis.client.stop ?? globalThis.client.destroy).call(globalThis.client));
    await gone(person, "Camera");
    await player.close();
    await publisher.close();
    await person.close();
  });
}

test("who plays a room plays the one who publishes there", async () => {
  const publisher = await openPage(browser, site);
  await publisher.evaluate((url) => globalThis.publishWithWhipWhep(url), `${server.url}whip/show`);
  const player = await openPage(browser, site);
  await player.evaluate((url) => globalThis.playWithWhipWhep(url), `${server.url}whep/show`);
  await plays(player, "the publisher");
  await publisher.close();
  await player.close();
});

test("a player goes on when the page that it watches is loaded anew", async () => {
  const person = await browser.newPage();
  await enterRoom(person, server.url, "again", "Ann");
  const player = await openPage(browser, site);
  await player.evaluate((url) => globalThis.playWithWhipWhep(url), `${server.url}whep/again/Ann`);
  let before = await plays(player, "Ann");
  await person.reload();
  await comeIn(person, "Ann");
  before = await plays(player, "Ann, back", before.decoded + 15);
  assert.deepEqual(before.states, ["connected"]);
  // Everybody is gone for a while.
  await person.goto("about:blank");
  await enterRoom(person, server.url, "again", "Ann");
  const { states } = await plays(player, "Ann, back again", before.decoded + 15);
  assert.deepEqual(states, ["connected"]);
  await player.close();
  await person.close();
});

test("a player follows the stage, and the next who publishes", async () => {
  const small = await openPage(browser, site);
  await small.evaluate((url) => globalThis.publishWithWhipWhep(url), `${server.url}whip/stage?name=Small`);
  await small.evaluate(() => {
    const sender = globalThis.client.pc.getSenders().find(({ track }) => track.kind === "video");
    const parameters = sender.getParameters();
    parameters.encodings[0].scaleResolutionDownBy = 2;
    return sender.setParameters(parameters);
  });
  const player = await openPage(browser, site);
  await player.evaluate((url) => globalThis.playWithWhipWhep(url), `${server.url}whep/stage`);
  const shows = (tall) => figures(player, tall ? "the large picture" : "the small one",
    ({ decoded, height }) => decoded > 0 && (height > 90) === tall);
  await plays(player, "the one who was first");
  await shows(false);

  const large = await openPage(browser, site);
  await large.evaluate((url) => globalThis.publishSimulcast(url), `${server.url}whip/stage?name=Large`);
  const person = await browser.newPage();
  await enterRoom(person, server.url, "stage", "Ann", "?produce=false");
  await person.waitForFunction(() => globalThis.tureen.call.tracks.size === 3);
  await person.evaluate(() => {
    const { call } = globalThis.tureen;
    const large = [...call.participants.values()].find(({ name }) => name === "Large");
    return call.putOnStage([...call.tracks.values()].find(({ participant }) => participant === large.id));
  });
  await shows(true);
  await large.evaluate(() => globalThis.client.stop());
  const { states } = await shows(false);
  assert.deepEqual(states, ["connected"]);
  for (const page of [small, player, large, person]) await page.close();
});

test("ICE starts over, and media goes on", async () => {
  const publisher = await openPage(browser, site);
  await publisher.evaluate((url) => globalThis.publishWithWhipWhep(url), `${server.url}whip/restart`);
  const player = await openPage(browser, site);
  await player.evaluate((url) => globalThis.playWithWhipWhep(url), `${server.url}whep/restart`);
  await plays(player, "before");
  for (const page of [publisher, player]) {
    const { status, tag, isNew, candidates } = await page.evaluate(() => globalThis.restartIce());
    assert.equal(status, 200);
    assert.match(tag, /^".+"$/);
    assert.ok(isNew && candidates > 0);
    const { decoded } = await figures(player, "connected", ({ states }) => states.every((state) => state === "connected"));
    await plays(player, "afterwards", decoded);
  }
  await publisher.close();
  await player.close();
});

test("of a simulcast the largest picture is taken", async () => {
  const publisher = await openPage(browser, site);
  await publisher.evaluate((url) => globalThis.publishSimulcast(url), `${server.url}whip/sizes`);
  const player = await openPage(browser, site);
  await player.evaluate((url) => globalThis.playWithWhipWhep(url), `${server.url}whep/sizes`);
  const { height } = await figures(player, "the large picture", ({ decoded, height }) => decoded > 10 && height > 90);
  assert.ok(height >= 180, `${height}`);
  const { rids } = await publisher.evaluate(() => globalThis.media());
  assert.deepEqual(rids, ["f"]);
  await publisher.close();
  await player.close();
});

test("a page that makes itself an RSA certificate is refused at once", async () => {
  const publisher = await openPage(browser, site);
  await publisher.evaluate((url) => globalThis.publishWithRsa(url), `${server.url}whip/rsa`);
  const { sent } = await figures(publisher, "refused", ({ states }) => states.every((state) => state === "failed"), 10);
  assert.equal(sent, 0);
  await publisher.close();
});
