// The door of a room: what it says, whom it lets in, and which devices it opens.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { click, comeToLobby, enterRoom, seen, shown, tracksOf, until } from "./pages.mjs";
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

async function withPages(use) {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  try {
    await use(...pages);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
}

/** Before a page is opened: devices open only when `globalThis.allow()` is called, as if the browser asked. */
const askFirst = (page) => page.addInitScript(() => {
  const real = MediaDevices.prototype.getUserMedia;
  const answered = new Promise((resolve) => (globalThis.allow = resolve));
  MediaDevices.prototype.getUserMedia = async function (constraints) {
    await answered;
    return real.call(this, constraints);
  };
});

/** Fills in the door and presses one of its buttons. */
async function press(page, name, selector) {
  await page.waitForSelector(".door form");
  await page.evaluate(([text, one]) => {
    document.querySelector(".door input[type=text]").value = text;
    document.querySelector(one).click();
  }, [name, selector]);
}

const live = () => globalThis.opened.length === 2 && globalThis.opened.filter(({ readyState }) => readyState === "live").length;

test("devices that open after one has come in are published; after “Only watch” they are closed", async () => {
  await withPages(async (ann, bob) => {
    await askFirst(ann);
    await ann.goto(`${server.url}room/late`);
    await press(ann, "Ann", ".door button[type=submit]");
    await ann.waitForSelector(".room");
    await enterRoom(bob, server.url, "late", "Bob");
    assert.deepEqual(await bob.evaluate(tracksOf, "Ann"), []);
    await ann.evaluate(() => globalThis.allow());
    await seen(bob, "Ann");

    const eve = await browsers[0].newPage();
    await askFirst(eve);
    await eve.goto(`${server.url}room/late`);
    await press(eve, "Eve", ".door button[type=button]:not(.round)");
    await eve.waitForSelector(".room");
    await eve.evaluate(() => globalThis.allow());
    await until(eve, "both devices closed", `(${live})() === 0`);
    await eve.close();
  });
});

test("a link with a passphrase does not pass a plain room off as an encrypted one", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "plain", "Ann");
    await bob.goto(`${server.url}room/plain#key=beetroot`);
    await bob.waitForSelector(".door:not(:has([aria-busy=true])) form");
    assert.match(await bob.evaluate(() => document.querySelector(".door .notice.error").textContent), /not encrypted end to end/);
    await press(bob, "Bob", ".door button[type=submit]");
    await bob.waitForSelector(".room");
    await seen(ann, "Bob");
    await seen(bob, "Ann");
    assert.equal(await bob.evaluate(() => document.querySelector(".room header").textContent.includes("end to end")), false);

    const eve = await browsers[0].newPage();
    await enterRoom(eve, server.url, "hidden", "Eve", "#key=beetroot");
    assert.match(await eve.evaluate(() => document.querySelector(".chat .hint").textContent), /chat is not/);
    await eve.close();
  });
});

test("the secret of an older room of the same name keeps nobody out", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "team", "Ann");
    await bob.goto(server.url);
    await bob.evaluate(() => localStorage.setItem("tureen.secret.team", "0123456789abcdef0123456789abcdef"));
    await enterRoom(bob, server.url, "team", "Bob");
    await seen(ann, "Bob");
    assert.deepEqual(await bob.evaluate(() => [globalThis.tureen.call.me.owner, localStorage.getItem("tureen.secret.team")]), [false, null]);
  });
});

test("a link in the lobby's field keeps its query and its passphrase; the door names the room", async () => {
  await withPages(async (ann) => {
    await comeToLobby(ann, server.url, "Ann");
    await ann.evaluate((link) => {
      document.querySelector(".start input").value = link;
      document.querySelector(".start form button").click();
    }, `${server.url}room/bisque?forceTcp=true&produce=false#key=lobster`);
    await shown(ann, "the door", ".door.narrow form");
    assert.equal(ann.url(), `${server.url}room/bisque?forceTcp=true&produce=false#key=lobster`);
    assert.equal(await ann.evaluate(() => document.querySelector(".door input[type=password]").value), "lobster");
    assert.match(await ann.evaluate(() => document.querySelector(".door p").textContent), /There is no room “bisque” yet/);
    await click(ann, ".door button[type=submit]");
    await ann.waitForSelector(".room");
    assert.equal(await ann.evaluate(() => document.activeElement.textContent), "bisque", "the focus is on the room's name");
  });
});
