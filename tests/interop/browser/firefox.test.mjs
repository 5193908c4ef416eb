// Firefox and Chromium in one room.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { connectionState, enterRoom, seen } from "./pages.mjs";
import { startServer } from "./server.mjs";

for (const [how, room, query] of [["", "goulash", ""], [" with encryption", "borscht", "#key=beetroot"]]) {
  test(`Firefox and Chromium see and hear each other${how}`, () => call(room, query));
}

async function call(room, query) {
  const server = await startServer();
  const chromium = await openBrowser("chromium");
  const firefox = await openBrowser("firefox");
  try {
    const [ann, bob] = [await chromium.newPage(), await firefox.newPage()];
    await enterRoom(ann, server.url, room, "Ann", query);
    await enterRoom(bob, server.url, room, "Bob", query);
    await seen(bob, "Ann");
    await seen(ann, "Bob");
    for (const page of [ann, bob]) {
      const { publish, receive } = await page.evaluate(connectionState);
      for (const { transport } of [publish, receive]) assert.match(transport[0].srtpCipher, /GCM/);
    }
  } finally {
    await chromium.close();
    await firefox.close();
    assert.equal(await server.stop(), 0, server.log());
  }
}
