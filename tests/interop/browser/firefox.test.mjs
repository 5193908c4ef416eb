// Firefox and Chromium in one room.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { enterRoom, hearsAndSees, until } from "./pages.mjs";
import { startServer } from "./server.mjs";

test("Firefox and Chromium see and hear each other", async () => {
  const server = await startServer();
  const chromium = await openBrowser("chromium");
  const firefox = await openBrowser("firefox");
  try {
    const [ann, bob] = [await chromium.newPage(), await firefox.newPage()];
    await enterRoom(ann, server.url, "goulash", "Ann");
    await enterRoom(bob, server.url, "goulash", "Bob");
    await until(bob, "Ann is seen and heard", hearsAndSees, { who: "Ann" });
    await until(ann, "Bob is seen and heard", hearsAndSees, { who: "Bob" });
  } finally {
    await chromium.close();
    await firefox.close();
    assert.equal(await server.stop(), 0, server.log());
  }
});
