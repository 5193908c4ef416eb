// One person rings another from the lobby of a server that nobody else is on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { hearsAndSees, until } from "./pages.mjs";
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

const click = (page, selector) => page.evaluate((one) => document.querySelector(one).click(), selector);
const seen = (page, who) => until(page, `${who} is seen and heard`, hearsAndSees, { who });

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

async function comeToLobby(page, name) {
  await page.goto(server.url);
  await page.evaluate((text) => localStorage.setItem("tureen.name", text), name);
  await page.goto(server.url);
  await page.waitForSelector(".lobby");
}
