// What an operator sets up and sees: tokens for who may come in, and a log that warns of nothing while people do
// ordinary things. The call goes on in the background while the rest runs, for workers report at most once a minute.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { click, comeIn, enterRoom, seen, shown, until } from "./pages.mjs";
import { binary, startServer } from "./server.mjs";

const keys = `key:${"s".repeat(32)}`;
/** Ordinary figures are logged below the level of warnings. */
const flags = ["--worker-log=debug", "--log=info,tureen_worker=debug"];

let server;
let guarded;
let browser;
let call;

before(async () => {
  [server, guarded] = await Promise.all([startServer(flags), startServer([`--keys=${keys}`])]);
  browser = await openBrowser("chromium");
  call = await ordinaryCall();
});

after(async () => {
  await browser?.close();
  for (const one of [server, guarded]) assert.equal(await one?.stop(), 0, one?.log());
});

/** Two people meet, mute, reload and meet again, and somebody looks whether the port of media is open. */
async function ordinaryCall() {
  const [ann, bob] = [await browser.newPage(), await browser.newPage()];
  await enterRoom(ann, server.url, "soup", "Ann");
  await enterRoom(bob, server.url, "soup", "Bob");
  await seen(bob, "Ann");
  await seen(ann, "Bob");
  await bob.reload();
  await comeIn(bob, "Bob");
  await seen(ann, "Bob");
  const port = Number(server.log().match(/first_port=(\d+)/)[1]);
  const probe = connect(port, "127.0.0.1");
  await once(probe, "connect");
  probe.destroy();
  for (const what of ["microphone", "camera"]) await click(ann, `.bar [title='Turn the ${what} off']`);
  await until(bob, "the signs of what is muted", () => [...globalThis.tureen.call.tracks.values()].filter(({ muted }) => muted).length >= 1);
  return { ann, bob };
}

const token = (...more) => {
  const text = execFileSync(binary, ["token", "--keys", keys, ...more], { encoding: "utf8" });
  return text.trim();
};

async function withPage(use) {
  const page = await browser.newPage();
  try {
    await use(page);
  } finally {
    await page.close();
  }
}

/** Opens a link that leads nowhere, and waits for the reason. */
async function refused(page, query, reason) {
  await page.goto(`${guarded.url}room/guarded${query}`);
  await until(page, reason, (text) => document.querySelector(".welcome [role=alert]")?.textContent.includes(text), reason);
  // Who may not come in is asked for nothing.
  assert.equal(await page.evaluate(() => globalThis.opened.length), 0);
  assert.equal(await page.evaluate(() => document.querySelector("form")), null);
}

test("without a token of use, the page says why nobody comes in", async () => {
  await withPage(async (page) => {
    await refused(page, "", "ask for a link that has one");
    await refused(page, "?token=x.y.z", "cannot be read");
  });
  await withPage((page) => refused(page, `?token=${token("--identity=ann", "--room=other")}`, "to see this room"));
  // A minute is what clocks may be apart.
  await withPage((page) => refused(page, `?token=${expired()}`, "has expired"));
  await withPage(async (page) => {
    await page.goto(guarded.url);
    await shown(page, "the question for a name", ".welcome form");
    await page.evaluate(() => {
      document.querySelector(".welcome input").value = "Ann";
      document.querySelector(".welcome button[type=submit]").click();
    });
    await until(page, "the reason", () => document.querySelector(".welcome [role=alert]")?.textContent.includes("ask for a link"));
  });
});

/** A token whose time is over, signed here: the command makes none. */
function expired() {
  const script = `
    const { createHmac } = require("node:crypto");
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = part({ alg: "HS256", typ: "JWT" }) + "." + part({ iss: "key", sub: "ann", exp: 1e9, video: { roomJoin: true } });
    console.log(text + "." + createHmac("sha256", "${"s".repeat(32)}").update(text).digest("base64url"));`;
  return execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }).trim();
}

test("with a token people come in, under its name, and who may not publish watches", async () => {
  const bot = spawn(binary, ["join", "--name=Bot", "--publish-demo",
    `${guarded.url}room/guarded?token=${token("--identity=bot", "--room=guarded")}`], { stdio: "ignore" });
  const ended = once(bot, "exit");
  try {
    await withPage(async (page) => {
      await enterRoom(page, guarded.url, "guarded", undefined, `?token=${token("--identity=ann", "--name=Änn", "--room=guarded")}`);
      assert.equal(await page.evaluate(() => globalThis.tureen.call.me.name), "Änn");
      assert.doesNotMatch(page.url(), /token/);
      await seen(page, "Bot");
      await withPage(async (viewer) => {
        await enterRoom(viewer, guarded.url, "guarded", "Vic", `?token=${token("--identity=vic", "--room=guarded", "--no-publish")}`);
        await seen(viewer, "Änn");
        assert.equal(await viewer.evaluate(() => globalThis.tureen.call.me.viewer), true);
        assert.equal(await viewer.evaluate(() => globalThis.opened.length), 0);
      });
      // The tab remembers it.
      await page.reload();
      await comeIn(page);
      await seen(page, "Bot");
    });
  } finally {
    bot.kill("SIGTERM");
    await ended;
  }
  const names = guarded.log().match(/enters a room person=\S+ name="(\w+|Änn)"/g);
  for (const name of ["Bot", "Änn", "Vic"]) assert.ok(names.some((line) => line.includes(`"${name}"`)), `${names}`);
});

test("of an ordinary call the log warns of nothing", async () => {
  const { ann, bob } = call;
  const end = Date.now() + 90_000;
  // What was dropped for mutes and for the probe is reported, below the level of warnings.
  while (!/DEBUG.*dropped since the start.*received\.by_producer/.test(server.log())) {
    assert.ok(Date.now() < end, server.log());
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await click(ann, ".bar .leave");
  await ann.evaluate(() => document.querySelector("dialog button[value=leave]")?.click());
  await shown(ann, "the last page", ".welcome");
  await bob.close();
  while (!/goes offline.*name="Bob"[^\n]*\n(.*\n)*.*goes offline.*name="Bob"/.test(server.log())) {
    assert.ok(Date.now() < end, server.log());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const line of [
    /comes online person=\S+ name="Ann" dialect="page" address=127\.0\.0\.1/,
    /enters a room person=\S+ name="Bob" .* room=soup/,
    /leaves a room person=\S+ name="Ann" .* room=soup why="\w+"/,
  ]) assert.match(server.log(), line);
  assert.doesNotMatch(server.log(), /WARN|ERROR/);
});
